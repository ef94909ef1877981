import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** Where to go on after a restart, in a file that is always whole. */
export class ResumeToken {
  private token: string;

  constructor(private readonly file: string) {
    this.token = read(file);
  }

  /** The token that was kept last, or empty. */
  get(): string {
    return this.token;
  }

  /** Keeps a token; empty forgets. */
  keep(token: string): void {
    if (token !== this.token) {
      const fresh = `${this.file}.new`;
      writeFileSync(fresh, `${token}\n`, { mode: 0o600 });
      renameSync(fresh, this.file);
      this.token = token;
    }
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return "";
    }
    throw error;
  }
}
