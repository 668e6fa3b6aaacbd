// Several stations at once, each with whole sessions one after the other: plug, card, energy, card, unplug.

import { Station, carryOut, energy, settings, signed, tell } from "./station.mjs";

async function wholeSession(station, tag, number, meterStart) {
  const energyWh = 1000 + 137 * number;
  const beginning = signed(`OCMF|{"RD":[{"TX":"B","RV":${meterStart}}]}|{"SD":"b${number}+/=\\u00e9"}`, "Transaction.Begin");
  const end = signed(`OCMF|{"RD":[{"TX":"E","RV":${meterStart + energyWh}}]}|{"SD":"e${number}"}`, "Transaction.End");
  await station.status(1, "Preparing");
  const verdict = await station.authorize(tag);
  if (verdict !== "Accepted") throw new Error(`${station.id}: authorize ${verdict}`);
  const transactionId = await station.start(1, tag, meterStart);
  await station.status(1, "Charging");
  await station.meterValues(1, transactionId, [energy(meterStart, "Transaction.Begin"), beginning]);
  for (const part of [0.25, 0.5, 0.75]) {
    await station.meterValues(1, transactionId, [
      energy(meterStart + energyWh * part),
      { value: "7360.0", context: "Sample.Periodic", measurand: "Power.Active.Import", unit: "W" },
      { value: "32.0", context: "Sample.Periodic", measurand: "Current.Import", phase: "L1", unit: "A" },
    ]);
  }
  const transactionData = [
    { timestamp: new Date().toISOString(), sampledValue: [energy(meterStart + energyWh, "Transaction.End"), end] },
  ];
  const stopped = await station.stop(transactionId, meterStart + energyWh, "Local", {
    idTag: tag,
    transactionData,
  });
  if (stopped.idTagInfo && stopped.idTagInfo.status !== "Accepted") throw new Error(`${station.id}: stop refused`);
  await station.status(1, "Finishing");
  await station.status(1, "Available");
  return { station: station.id, tag, transactionId, energyWh, signed: [beginning.value, end.value] };
}

async function day([id, tag]) {
  const station = new Station(id);
  await station.connect();
  await station.boot();
  const sessions = [];
  let meter = 10_000;
  for (let number = 0; number < settings.sessions; number++) {
    const session = await wholeSession(station, tag, number, meter);
    meter += session.energyWh;
    sessions.push(session);
  }
  await station.client.call("Heartbeat", {});
  await station.leave();
  return { sessions, complaints: station.complaints };
}

carryOut(async () => {
  const days = await Promise.all(Object.entries(settings.tags).map(day));
  tell("done", {
    sessions: days.flatMap((one) => one.sessions),
    complaints: days.flatMap((one) => one.complaints),
  });
});
