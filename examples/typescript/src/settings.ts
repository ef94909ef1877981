/** What the environment says; ../README.md lists the variables. */
export interface Settings {
  readonly target: string;
  readonly token: string;
  readonly caFile: string;
  readonly stateFile: string;
  readonly photoFile: string;
  readonly bookmarkSeconds: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws an error that names the variable that is wrong. */
export function readSettings(environment: Environment): Settings {
  const token = environment["FBALI_TOKEN"]?.trim() ?? "";
  if (token === "") {
    throw new Error("FBALI_TOKEN is not set; the operator issues one");
  }
  const seconds = environment["FBALI_CASE_SECONDS"] || "15";
  if (!/^([1-9]|[1-5]\d|60)$/.test(seconds)) {
    throw new Error(`FBALI_CASE_SECONDS=${seconds} is no number from 1 to 60`);
  }
  return {
    target: environment["FBALI_SERVER"] || "127.0.0.1:7443",
    token,
    caFile: environment["FBALI_CA_FILE"] ?? "",
    stateFile: environment["FBALI_STATE_FILE"] || ".fbali-resume-token",
    photoFile: environment["FBALI_PHOTO_FILE"] ?? "",
    bookmarkSeconds: Number(seconds),
  };
}

/** A token is worth money: it goes in clear text only where nobody else can listen. */
export function isClearText(settings: Settings): boolean {
  const host = settings.target.slice(0, Math.max(settings.target.lastIndexOf(":"), 0));
  const isLocal = /^(localhost|\[::1\]|127\.\d+\.\d+\.\d+)$/.test(host);
  return settings.caFile === "" && isLocal;
}
