// Two stations that outlive the gateway: one charges on while it is away, the other was offline since yesterday.
// Both come back without BootNotification, replay what they queued, and repeat what they got no answer to.

import { once } from "node:events";
import { Station, carryOut, energy, settings, tell, wordToGoOn } from "./station.mjs";

const HOUR = 3_600_000;

function later(at, milliseconds) {
  return new Date(at.getTime() + milliseconds);
}

async function lose(station, send) {
  // the answer came, but the station knows nothing of it: the line was cut at the same moment
  await send();
  await station.cut();
  await station.connect();
  return send();
}

async function replaySession(station, { at, meterStart, energyWh, loseStart, loseStop }) {
  const start = () => station.start(1, settings.tag, meterStart, at);
  const first = await start();
  if (loseStart) {
    await station.cut();
    await station.connect();
    const second = await start();
    if (second !== first) throw new Error(`${station.id}: start repeated: ${first}, then ${second}`);
  }
  await station.meterValues(1, first, [energy(meterStart + energyWh / 2)], later(at, HOUR / 2));
  const stop = () => station.stop(first, meterStart + energyWh, "Local", { at: later(at, HOUR) });
  await (loseStop ? lose(station, stop) : stop());
  return { station: station.id, transactionId: first, energyWh, start: at.toISOString(), stop: later(at, HOUR).toISOString() };
}

carryOut(async () => {
  const faithful = new Station(settings.faithful, { reconnect: true });
  const lonely = new Station(settings.lonely);
  for (const station of [faithful, lonely]) {
    await station.connect();
    await station.boot();
  }
  await lonely.cut();

  await faithful.status(1, "Preparing");
  await faithful.authorize(settings.tag);
  const begun = new Date();
  const transactionId = await faithful.start(1, settings.tag, 100, begun);
  await faithful.status(1, "Charging");
  const disconnected = once(faithful.client, "disconnect");
  const reconnected = once(faithful.client, "open");
  tell("charging", { transactionId });

  await disconnected;
  tell("disconnected");
  const sampledAt = new Date();
  const stoppedAt = later(sampledAt, 1);

  await reconnected;
  await faithful.meterValues(1, transactionId, [energy(1100)], sampledAt);
  const stop = () => faithful.stop(transactionId, 2100, "EVDisconnected", { at: stoppedAt, idTag: settings.tag });
  await stop();
  await stop();
  await faithful.status(1, "Available");
  const sessions = [
    { station: faithful.id, transactionId, energyWh: 2000, start: begun.toISOString(), stop: stoppedAt.toISOString() },
  ];
  tell("replayed");

  await wordToGoOn();
  const yesterday = later(new Date(), -24 * HOUR);
  await lonely.connect();
  for (const [number, lost] of [{}, { loseStart: true }, { loseStop: true }, { loseStart: true, loseStop: true }].entries()) {
    const at = later(yesterday, 2 * number * HOUR);
    const session = { at, meterStart: 5000 * number, energyWh: 3000 + number, ...lost };
    sessions.push(await replaySession(lonely, session));
  }
  await lonely.status(1, "Available");
  await lonely.leave();
  await faithful.leave();
  tell("done", { sessions, complaints: [...faithful.complaints, ...lonely.complaints] });
});
