// A station on the strict client library ocpp-rpc: every frame in both directions is checked against the schemas of
// that library. It tells what happens as JSON lines on standard output and waits for lines on standard input.
// What a station does, and in which order, stands in the other scripts of this folder.

import { createInterface } from "node:readline";
import ocppRpc from "ocpp-rpc";

const { RPCClient, createRPCError } = ocppRpc;

export const settings = JSON.parse(process.argv[2]);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export function tell(event, fields = {}) {
  process.stdout.write(JSON.stringify({ event, ...fields }) + "\n");
}

export async function wordToGoOn() {
  const { done } = await lines.next();
  if (done) throw new Error("nobody is there any more");
}

export function carryOut(main) {
  main().then(
    () => process.exit(0),
    (error) => {
      tell("failed", { error: String(error?.stack ?? error) });
      process.exit(1);
    },
  );
}

export function energy(wh, context = "Sample.Periodic") {
  return { value: wh.toFixed(1), context, measurand: "Energy.Active.Import.Register", unit: "Wh" };
}

export function signed(text, context) {
  return { value: text, context, format: "SignedData", measurand: "Energy.Active.Import.Register" };
}

export class Station {
  constructor(id, options = {}) {
    this.id = id;
    this.complaints = []; // what was wrong in the eyes of the library
    this.calledFor = []; // actions that the gateway asked for
    this.client = new RPCClient({
      endpoint: settings.url,
      identity: id,
      protocols: ["ocpp1.6"],
      strictMode: true,
      callTimeoutMs: 20_000,
      reconnect: options.reconnect ?? false,
      backoff: { initialDelay: 100, maxDelay: 500, factor: 2, randomisationFactor: 0 },
      ...(options.password ? { password: options.password } : {}),
      ...(options.tls ? { wsOpts: options.tls } : {}), // ca, and cert with key, as Node's tls takes them
    });
    this.client.on("strictValidationFailure", ({ method, params, result, error, outbound }) =>
      this.complaints.push({ method, params, result, outbound, error: String(error) }),
    );
    this.client.on("badMessage", ({ buffer, error }) =>
      this.complaints.push({ frame: String(buffer), error: String(error) }),
    );
    this.client.on("socketError", () => {});
    this.answers = { ...USUAL_ANSWERS };
    this.client.handle(({ method, params }) => {
      this.calledFor.push(method);
      const answer = this.answers[method];
      if (!answer) throw createRPCError("NotImplemented", `${method} is beyond this station`);
      return answer(params);
    });
  }

  connect() {
    return this.client.connect();
  }

  // As when the cable is cut: no close frame.
  cut() {
    return this.client.close({ force: true });
  }

  leave() {
    return this.client.close({ code: 1000, reason: "done" });
  }

  async boot() {
    const answer = await this.client.call("BootNotification", {
      chargePointVendor: "Foreign",
      chargePointModel: "Strict",
      chargePointSerialNumber: `SN-${this.id}`,
      firmwareVersion: "2.2.1",
    });
    if (answer.status !== "Accepted") throw new Error(`${this.id}: boot ${answer.status}`);
    for (const connector of [0, 1]) await this.status(connector, "Available");
  }

  status(connectorId, status, at = new Date()) {
    const timestamp = at.toISOString();
    return this.client.call("StatusNotification", { connectorId, status, errorCode: "NoError", timestamp });
  }

  async authorize(idTag) {
    return (await this.client.call("Authorize", { idTag })).idTagInfo.status;
  }

  async start(connectorId, idTag, meterStart, at = new Date()) {
    const answer = await this.client.call("StartTransaction", {
      connectorId,
      idTag,
      meterStart,
      timestamp: at.toISOString(),
    });
    if (answer.idTagInfo.status !== "Accepted") throw new Error(`${this.id}: start ${answer.idTagInfo.status}`);
    return answer.transactionId;
  }

  meterValues(connectorId, transactionId, sampledValue, at = new Date()) {
    const meterValue = [{ timestamp: at.toISOString(), sampledValue }];
    return this.client.call("MeterValues", { connectorId, transactionId, meterValue });
  }

  stop(transactionId, meterStop, reason, { at = new Date(), idTag, transactionData } = {}) {
    return this.client.call("StopTransaction", {
      transactionId,
      meterStop,
      reason,
      timestamp: at.toISOString(),
      ...(idTag ? { idTag } : {}),
      ...(transactionData ? { transactionData } : {}),
    });
  }
}

const USUAL_ANSWERS = {
  GetConfiguration: ({ key }) => {
    const all = [
      { key: "HeartbeatInterval", readonly: false, value: "300" },
      { key: "MeterValueSampleInterval", readonly: false, value: "60" },
      { key: "NumberOfConnectors", readonly: true, value: "1" },
      { key: "SupportedFeatureProfiles", readonly: true, value: "Core,RemoteTrigger" },
    ];
    if (!key?.length) return { configurationKey: all };
    const known = new Set(all.map((item) => item.key));
    return {
      configurationKey: all.filter((item) => key.includes(item.key)),
      unknownKey: key.filter((name) => !known.has(name)),
    };
  },
  ChangeConfiguration: () => ({ status: "NotSupported" }),
  TriggerMessage: () => ({ status: "NotImplemented" }),
  SetChargingProfile: () => ({ status: "NotSupported" }),
  ClearChargingProfile: () => ({ status: "Unknown" }),
  GetLocalListVersion: () => ({ listVersion: -1 }),
  DataTransfer: () => ({ status: "UnknownVendorId" }),
};
