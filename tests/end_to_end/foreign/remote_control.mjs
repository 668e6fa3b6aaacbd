// A station that charges and stops when the gateway says so, and refuses what it cannot do.

import { Station, carryOut, energy, settings, tell } from "./station.mjs";

carryOut(async () => {
  const station = new Station(settings.station);
  const asked = { start: null, stop: null };
  const begun = new Promise((resolve) => (asked.start = resolve));
  const ended = new Promise((resolve) => (asked.stop = resolve));
  let running = null;

  station.answers.RemoteStartTransaction = (request) => {
    if (request.connectorId !== 1) return { status: "Rejected" };
    setImmediate(asked.start, request);
    return { status: "Accepted" };
  };
  station.answers.RemoteStopTransaction = ({ transactionId }) => {
    if (transactionId !== running) return { status: "Rejected" };
    setImmediate(asked.stop);
    return { status: "Accepted" };
  };

  await station.connect();
  await station.boot();
  tell("waiting");

  const { idTag } = await begun;
  await station.status(1, "Preparing");
  const verdict = await station.authorize(idTag);
  running = await station.start(1, idTag, 500);
  await station.status(1, "Charging");
  await station.meterValues(1, running, [energy(1250)]);
  tell("charging", { transactionId: running, idTag, verdict });

  await ended;
  await station.stop(running, 2750, "Remote");
  await station.status(1, "Finishing");
  await station.status(1, "Available");
  await station.leave();
  tell("done", { complaints: station.complaints, calledFor: station.calledFor });
});
