// Baseline: Node `ocpp-rpc` as documented, strict validation against the schemas, nothing stored.
import { RPCServer } from "ocpp-rpc";

const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
const server = new RPCServer({ protocols: ["ocpp1.6"], strictMode: true });
const now = () => new Date().toISOString();
let transactions = 0;

server.auth((accept) => accept({}));

server.on("client", (client) => {
    client.handle("BootNotification", () => ({ status: "Accepted", interval: 300, currentTime: now() }));
    client.handle("Heartbeat", () => ({ currentTime: now() }));
    client.handle("StatusNotification", () => ({}));
    client.handle("Authorize", () => ({ idTagInfo: { status: "Accepted" } }));
    client.handle("StartTransaction", () => ({ transactionId: ++transactions, idTagInfo: { status: "Accepted" } }));
    client.handle("MeterValues", () => ({}));
    client.handle("StopTransaction", () => ({}));
});

await server.listen(port, "127.0.0.1");
