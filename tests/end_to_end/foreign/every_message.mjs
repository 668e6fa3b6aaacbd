// A station that knows every request of a central system, on a library of choice: ocpp-rpc (strict, all 39 messages) or
// ocpp-ts (the 28 of the core specification). It remembers what it is told as the specification demands, does what is
// announced by notifications, and says at the end what it holds.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ocppTs from "ocpp-ts";
import { Station, carryOut, energy, settings, tell, wordToGoOn } from "./station.mjs";

const held = {
  configuration: new Map([
    ["HeartbeatInterval", [false, "300"]],
    ["MeterValueSampleInterval", [false, "60"]],
    ["NumberOfConnectors", [true, "2"]],
    ["SupportedFeatureProfiles", [true, "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"]],
    ["LocalAuthListMaxLength", [true, "100"]],
    ["SendLocalListMaxLength", [true, "2"]],
    ["ChargingScheduleAllowedChargingRateUnit", [true, "Current,Power"]],
  ]),
  list: new Map(),
  listVersion: 0,
  reservations: new Map(),
  profiles: [],
  certificates: [],
  chain: null,
};

let station;
let running = null; // the transaction
let meter = 1000;

const say = (action, payload) => station.client.call(action, payload);
const later = (work) => setImmediate(() => work().catch((error) => tell("failed", { error: String(error?.stack ?? error) })));
const now = () => new Date().toISOString();
const shows = (connectorId, status) => say("StatusNotification", { connectorId, status, errorCode: "NoError", timestamp: now() });
const step = (name, fields = {}) => tell("step", { name, ...fields });

async function tellAll(action, statuses, more = {}) {
  for (const status of statuses) await say(action, { status, ...more });
}

const answers = {
  GetConfiguration: ({ key }) => {
    const wanted = key?.length ? key : [...held.configuration.keys()];
    const known = wanted.filter((name) => held.configuration.has(name));
    return {
      configurationKey: known.map((name) => {
        const [readonly, value] = held.configuration.get(name);
        return { key: name, readonly, value };
      }),
      unknownKey: wanted.filter((name) => !held.configuration.has(name)),
    };
  },
  ChangeConfiguration: ({ key, value }) => {
    const known = held.configuration.get(key);
    if (!known) return { status: "NotSupported" };
    if (known[0]) return { status: "Rejected" };
    held.configuration.set(key, [false, value]);
    return { status: "Accepted" };
  },
  ChangeAvailability: ({ connectorId, type }) => {
    later(() => shows(connectorId, type === "Operative" ? "Available" : "Unavailable").then(() => step("availability")));
    return { status: "Accepted" };
  },
  ClearCache: () => ({ status: "Accepted" }),
  DataTransfer: ({ data }) => ({ status: "Accepted", data: data?.toUpperCase() }),
  UnlockConnector: () => ({ status: "Unlocked" }),
  Reset: () => {
    later(() => station.boot().then(() => step("reset")));
    return { status: "Accepted" };
  },
  TriggerMessage: ({ requestedMessage, connectorId }) => trigger(requestedMessage, connectorId),
  ExtendedTriggerMessage: ({ requestedMessage, connectorId }) => trigger(requestedMessage, connectorId),

  GetLocalListVersion: () => ({ listVersion: held.listVersion }),
  SendLocalList: ({ listVersion, updateType, localAuthorizationList = [] }) => {
    if (updateType === "Differential" && listVersion <= held.listVersion) return { status: "VersionMismatch" };
    if (localAuthorizationList.length > 2) return { status: "Failed" };
    if (updateType === "Full") held.list.clear();
    for (const { idTag, idTagInfo } of localAuthorizationList) {
      if (idTagInfo) held.list.set(idTag, idTagInfo);
      else held.list.delete(idTag);
    }
    held.listVersion = listVersion;
    return { status: "Accepted" };
  },

  ReserveNow: (request) => {
    if (request.connectorId === 2 && [...held.reservations.values()].some((known) => known.connectorId === 2)) {
      return { status: "Occupied" };
    }
    held.reservations.set(request.reservationId, request);
    later(() => shows(request.connectorId, "Reserved").then(() => step("reserved")));
    return { status: "Accepted" };
  },
  CancelReservation: ({ reservationId }) => {
    const known = held.reservations.get(reservationId);
    if (!known) return { status: "Rejected" };
    held.reservations.delete(reservationId);
    later(() => shows(known.connectorId, "Available").then(() => step("released")));
    return { status: "Accepted" };
  },

  SetChargingProfile: ({ connectorId, csChargingProfiles: profile }) => {
    held.profiles = held.profiles.filter((known) => known.profile.chargingProfileId !== profile.chargingProfileId);
    held.profiles.push({ connectorId, profile });
    return { status: "Accepted" };
  },
  ClearChargingProfile: ({ id }) => {
    const before = held.profiles.length;
    held.profiles = held.profiles.filter((known) => id !== undefined && known.profile.chargingProfileId !== id);
    return { status: held.profiles.length < before ? "Accepted" : "Unknown" };
  },
  GetCompositeSchedule: ({ connectorId, duration, chargingRateUnit = "A" }) => ({
    status: "Accepted",
    connectorId,
    scheduleStart: now(),
    chargingSchedule: { duration, chargingRateUnit, chargingSchedulePeriod: [{ startPeriod: 0, limit: 10.5 }] },
  }),

  RemoteStartTransaction: ({ connectorId, idTag, chargingProfile }) => {
    later(async () => {
      await shows(connectorId, "Preparing");
      const start = { connectorId, idTag, meterStart: meter, timestamp: now() };
      running = (await say("StartTransaction", start)).transactionId;
      await shows(connectorId, "Charging");
      step("charging", { transactionId: running, profile: chargingProfile?.chargingProfileId ?? null });
    });
    return { status: "Accepted" };
  },
  RemoteStopTransaction: ({ transactionId }) => {
    if (transactionId !== running) return { status: "Rejected" };
    later(async () => {
      meter += 750;
      await say("StopTransaction", { transactionId, meterStop: meter, timestamp: now(), reason: "Remote" });
      await shows(1, "Finishing");
      await shows(1, "Available");
      running = null;
      step("stopped");
    });
    return { status: "Accepted" };
  },

  UpdateFirmware: () => {
    later(() =>
      tellAll("FirmwareStatusNotification", ["Downloading", "Downloaded", "Installing", "Installed"]).then(() => step("firmware")),
    );
    return {};
  },
  GetDiagnostics: () => {
    later(() => tellAll("DiagnosticsStatusNotification", ["Uploading", "Uploaded"]).then(() => step("diagnostics")));
    return { fileName: "diagnostics.zip" };
  },
  SignedUpdateFirmware: ({ requestId }) => {
    const statuses = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"];
    later(() => tellAll("SignedFirmwareStatusNotification", statuses, { requestId }).then(() => step("signed firmware")));
    return { status: "Accepted" };
  },
  GetLog: ({ requestId }) => {
    later(() => tellAll("LogStatusNotification", ["Uploading", "Uploaded"], { requestId }).then(() => step("log")));
    return { status: "Accepted", filename: "security.log" };
  },

  InstallCertificate: ({ certificateType, certificate }) => {
    if (!certificate.startsWith("-----BEGIN CERTIFICATE-----")) {
      later(async () => {
        await say("SecurityEventNotification", { type: "InvalidCentralSystemCertificate", timestamp: now() });
        step("security event");
      });
      return { status: "Rejected" };
    }
    const number = held.certificates.length + 1;
    held.certificates.push({
      certificateType,
      hash: {
        hashAlgorithm: "SHA256",
        issuerNameHash: "Ab".repeat(31) + String(number).padStart(2, "0"),
        issuerKeyHash: "cD".repeat(32),
        serialNumber: `5${number}`,
      },
    });
    return { status: "Accepted" };
  },
  GetInstalledCertificateIds: ({ certificateType }) => {
    const found = held.certificates.filter((known) => known.certificateType === certificateType);
    if (!found.length) return { status: "NotFound" };
    return { status: "Accepted", certificateHashData: found.map((known) => known.hash) };
  },
  DeleteCertificate: ({ certificateHashData }) => {
    const same = (known) => JSON.stringify(known.hash) === JSON.stringify(certificateHashData);
    const found = held.certificates.filter(same);
    held.certificates = held.certificates.filter((known) => !same(known));
    return { status: found.length ? "Accepted" : "NotFound" };
  },
  CertificateSigned: ({ certificateChain }) => {
    held.chain = certificateChain;
    setImmediate(step, "certificate");
    return { status: "Accepted" };
  },
};

function trigger(requestedMessage, connectorId) {
  const send = {
    BootNotification: () => station.boot(),
    Heartbeat: () => say("Heartbeat", {}),
    StatusNotification: () => shows(connectorId ?? 0, "Available"),
    MeterValues: () =>
      say("MeterValues", {
        connectorId: connectorId ?? 1,
        meterValue: [{ timestamp: now(), sampledValue: [energy(meter, "Trigger")] }],
      }),
    DiagnosticsStatusNotification: () => say("DiagnosticsStatusNotification", { status: "Idle" }),
    FirmwareStatusNotification: () => say("FirmwareStatusNotification", { status: "Idle" }),
    LogStatusNotification: () => say("LogStatusNotification", { status: "Idle" }),
    SignChargePointCertificate: () => say("SignCertificate", { csr: certificateRequest() }),
  }[requestedMessage];
  if (!send) return { status: "NotImplemented" };
  if (connectorId > 2) return { status: "Rejected" };
  later(() => send().then((answer) => step(`triggered ${requestedMessage}`, { answer: answer?.status ?? null })));
  return { status: "Accepted" };
}

function certificateRequest() {
  const folder = mkdtempSync(join(tmpdir(), "station-"));
  try {
    const file = join(folder, "request.pem");
    const words = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-sha256", "-subj", `/O=Owner/CN=${settings.station}`];
    execFileSync("openssl", [...words, "-keyout", join(folder, "key.pem"), "-out", file], { stdio: "ignore" });
    return readFileSync(file, "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

class TsStation {
  constructor(id) {
    this.id = id;
    this.complaints = [];
    const library = new ocppTs.OcppClient(id);
    library.on("error", () => {});
    for (const [action, answer] of Object.entries(answers)) library.on(action, (request, reply) => reply(answer(request)));
    this.client = { call: (action, payload) => library.callRequest(action, payload) };
    this.connect = () =>
      new Promise((resolve, reject) => {
        library.once("connect", resolve);
        library.once("error", reject);
        library.connect(`${settings.url}/`);
      });
  }

  async boot() {
    await say("BootNotification", { chargePointVendor: "Foreign", chargePointModel: "TypeScript", firmwareVersion: "0.3.0" });
    for (const connector of [0, 1, 2]) await shows(connector, "Available");
  }
}

carryOut(async () => {
  station = settings.library === "ocpp-ts" ? new TsStation(settings.station) : new Station(settings.station);
  station.answers = answers;
  await station.connect();
  await station.boot();
  tell("waiting");
  await wordToGoOn();
  tell("done", {
    complaints: station.complaints,
    list: Object.fromEntries(held.list),
    listVersion: held.listVersion,
    reservations: [...held.reservations.keys()],
    profiles: held.profiles,
    certificates: held.certificates,
    chain: held.chain,
  });
});
