// One session over wss: with a password (hexadecimal digits of its bytes), or with a client certificate. Then the station
// is told its next password and the gateway's operator looks at it while it stays connected.

import { readFileSync } from "node:fs";
import { Station, carryOut, settings, tell, wordToGoOn } from "./station.mjs";

const file = (path) => (path ? readFileSync(path) : undefined);

function station() {
  const tls = { ca: file(settings.ca), cert: file(settings.cert), key: file(settings.key) };
  const password = settings.password ? Buffer.from(settings.password, "hex") : undefined;
  return new Station(settings.station, { tls, password });
}

carryOut(async () => {
  const first = station();
  try {
    await first.connect();
  } catch (error) {
    tell("refused", { error: String(error?.code ?? error?.message ?? error) });
    return;
  }
  first.answers.ChangeConfiguration = ({ key, value }) => {
    if (key === "AuthorizationKey") settings.password = value;
    return { status: "Accepted" };
  };
  await first.boot();
  const transactionId = await first.start(1, settings.tag, 1000);
  await first.stop(transactionId, 3500, "Local");
  tell("charged", { transactionId });
  await wordToGoOn();
  await first.leave();
  const again = station();
  await again.connect();
  await again.boot();
  tell("done", { complaints: [...first.complaints, ...again.complaints], calledFor: first.calledFor });
  await wordToGoOn();
  await again.leave();
});
