import { createHash, randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Client } from "@connectrpc/connect";
import type { AfterSalesService } from "../gen/fbali/v1/after_sales_service_pb.js";
import { UploadState, type Upload } from "../gen/fbali/v1/photo_pb.js";
import { insist, requestId, TRIES_MAX } from "./calls.js";
import { refusalOf } from "./refusals.js";

const CHUNK_BYTES = 512 * 1024;

type AfterSales = Client<typeof AfterSalesService>;

/** A photo in memory; the server takes at most 10 MiB. */
export interface PhotoFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Sends a photo into a case in chunks and returns its name. Broken off, also by the end of this
 * program, it goes on at the last byte that the server has: it knows the photo by its digest.
 */
export async function upload(
  client: AfterSales,
  signal: AbortSignal,
  parent: string,
  file: PhotoFile,
): Promise<string> {
  const sha256 = createHash("sha256").update(file.bytes).digest("hex");
  const begin = {
    parent,
    fileName: file.name,
    sizeBytes: BigInt(file.bytes.length),
    sha256,
    requestId: randomUUID(), // The digest names the intent; an upload is forgotten after a day.
  };
  const begun = await insist(signal, (options) => client.createUpload(begin, options));
  const state = begun.upload!; // The contract says that it is there.
  if (state.state === UploadState.RECEIVING) {
    await send(client, signal, state, file.bytes);
  }
  const end = { name: state.name, sha256, requestId: requestId("finalize", state.name) };
  const ended = await insist(signal, (options) => client.finalizeUpload(end, options));
  return ended.photo?.name ?? "";
}

/** Sends what the server does not have yet. */
async function send(
  client: AfterSales,
  signal: AbortSignal,
  { name, committedSizeBytes, chunkSizeBytesMax }: Upload,
  bytes: Uint8Array,
): Promise<void> {
  const step = Math.min(CHUNK_BYTES, Number(chunkSizeBytesMax));
  let committed = Number(committedSizeBytes);
  let setbacks = 0; // Without one more byte in between.
  while (committed < bytes.length) {
    const data = bytes.subarray(committed, committed + step);
    const chunk = { name, offset: BigInt(committed), data, crc32: crc32(data) };
    try {
      const answer = await insist(signal, (options) => client.writeUploadChunk(chunk, options));
      committed = Number(answer.committedSizeBytes);
      setbacks = 0;
    } catch (error) {
      if (refusalOf(error).action !== "resumeUpload" || ++setbacks > TRIES_MAX) {
        throw error;
      }
      const now = await insist(signal, (options) => client.getUpload({ name }, options));
      committed = Number(now.upload?.committedSizeBytes ?? 0n);
    }
  }
}
