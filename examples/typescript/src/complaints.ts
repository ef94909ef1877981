import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Client } from "@connectrpc/connect";
import { IssueType } from "../gen/fbali/v1/after_sales_policy_pb.js";
import type { AfterSalesService } from "../gen/fbali/v1/after_sales_service_pb.js";
import { CaseState, ResolutionMode } from "../gen/fbali/v1/case_pb.js";
import { ClaimBlocker, type UnitEligibility } from "../gen/fbali/v1/eligibility_pb.js";
import { insist, requestId, TRIES_MAX } from "./calls.js";
import { report } from "./journal.js";
import { refusalOf } from "./refusals.js";
import { upload } from "./uploads.js";

/**
 * Pretends that a customer complains about every order: of each vendor one unit came damaged, here
 * is a photo. A real merchant would let a person decide.
 */
export class Complaints {
  constructor(
    private readonly client: Client<typeof AfterSalesService>,
    private readonly photoFile: string,
    private readonly signal: AbortSignal,
  ) {}

  /** Opens cases about a delivered order, or goes on with drafts that an earlier run left. */
  async attend(order: string): Promise<void> {
    if (this.photoFile === "") {
      return; // A case about damage needs a photo.
    }
    for (const name of (await this.drafts(order)) ?? (await this.open(order))) {
      await this.submit(name);
    }
  }

  /** Lists the drafts about an order; undefined when there never was a case. */
  private async drafts(order: string): Promise<string[] | undefined> {
    const request = { order, pageSize: 500 };
    const page = await insist(this.signal, (options) => this.client.listCases(request, options));
    if (page.cases.length === 0) {
      return undefined;
    }
    return page.cases.filter((c) => c.state === CaseState.DRAFT).map((c) => c.name);
  }

  private async open(order: string): Promise<string[]> {
    const { units } = await insist(this.signal, (options) =>
      this.client.checkEligibility({ order }, options),
    );
    const items = firstOfEachVendor(units.filter(canBeDamaged)).map((unit) => ({
      line: unit.line,
      package: unit.package,
      quantity: 1,
      type: IssueType.DAMAGED,
      mode: ResolutionMode.FULL_REFUND,
    }));
    if (items.length === 0) {
      return [];
    }
    const request = {
      order,
      description: "It came damaged; see the photo.",
      items,
      requestId: requestId("open", order),
    };
    const { cases } = await insist(this.signal, (options) =>
      this.client.createCase(request, options),
    );
    for (const opened of cases) {
      report("opened", { order, case: opened.name });
    }
    return cases.map((opened) => opened.name);
  }

  private async submit(name: string): Promise<void> {
    const file = { name: basename(this.photoFile), bytes: await readFile(this.photoFile) };
    const photo = await upload(this.client, this.signal, name, file);
    report("uploaded", { case: name, photo });
    for (let tries = 1; ; tries++) {
      const read = await insist(this.signal, (options) => this.client.getCase({ name }, options));
      const etag = read.case?.etag ?? "";
      const request = { name, etag, requestId: requestId("submit", name, etag) };
      try {
        await insist(this.signal, (options) => this.client.submitCase(request, options));
        report("submitted", { case: name });
        return;
      } catch (error) {
        if (refusalOf(error).action !== "readAgain" || tries === TRIES_MAX) {
          throw error;
        }
      }
    }
  }
}

function canBeDamaged(unit: UnitEligibility): boolean {
  const found = unit.types.find((eligible) => eligible.type === IssueType.DAMAGED);
  return unit.package !== "" && found?.blocker === ClaimBlocker.UNSPECIFIED;
}

function firstOfEachVendor(units: UnitEligibility[]): UnitEligibility[] {
  return units.filter((unit, i) => units.findIndex((u) => u.vendor === unit.vendor) === i);
}
