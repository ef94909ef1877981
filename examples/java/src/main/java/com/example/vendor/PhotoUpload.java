package com.example.vendor;

import com.fbali.v1.CreateUploadRequest;
import com.fbali.v1.FinalizeUploadRequest;
import com.fbali.v1.GetUploadRequest;
import com.fbali.v1.Upload;
import com.fbali.v1.UploadState;
import com.fbali.v1.WriteUploadChunkRequest;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.UUID;
import java.util.zip.CRC32;

/** Sends photos into cases, chunk by chunk. */
final class PhotoUpload {
  private static final int CHUNK_BYTES = 512 * 1024;

  private final Connection connection;

  PhotoUpload(Connection connection) {
    this.connection = connection;
  }

  /**
   * Sends a photo and returns its name. The server knows an upload by its digest: begun again, even
   * by a new process, it goes on where it stopped, and a finished one is answered as it is.
   */
  String send(Path file, String parent) throws InterruptedException, IOException {
    byte[] bytes = Files.readAllBytes(file);
    String digest = HexFormat.of().formatHex(Digests.of("SHA-256", bytes));
    var create =
        CreateUploadRequest.newBuilder()
            .setParent(parent)
            .setFileName(file.getFileName().toString())
            .setSizeBytes(bytes.length)
            .setSha256(digest)
            // The digest names the intent; an upload is forgotten after a day, sooner than an id.
            .setRequestId(UUID.randomUUID().toString())
            .build();
    Upload upload = Calls.insist(() -> connection.afterSales().createUpload(create)).getUpload();
    if (upload.getState() == UploadState.UPLOAD_STATE_RECEIVING) {
      sendChunks(upload, bytes);
    }
    var end =
        FinalizeUploadRequest.newBuilder()
            .setName(upload.getName())
            .setSha256(digest)
            .setRequestId(RequestIds.of("finalize", upload.getName()))
            .build();
    return Calls.insist(() -> connection.afterSales().finalizeUpload(end)).getPhoto().getName();
  }

  private void sendChunks(Upload upload, byte[] bytes) throws InterruptedException {
    long committed = upload.getCommittedSizeBytes();
    int step = (int) Math.min(CHUNK_BYTES, upload.getChunkSizeBytesMax());
    int setbacks = 0; // Without one more byte in between.
    while (committed < bytes.length) {
      try {
        committed = write(upload.getName(), bytes, (int) committed, step);
        setbacks = 0;
      } catch (Refusal refusal) {
        if (refusal.action != Action.RESUME_UPLOAD || ++setbacks > Calls.TRIES_MAX) {
          throw refusal;
        }
        var look = GetUploadRequest.newBuilder().setName(upload.getName()).build();
        committed =
            Calls.insist(() -> connection.afterSales().getUpload(look))
                .getUpload()
                .getCommittedSizeBytes();
      }
    }
  }

  private long write(String name, byte[] bytes, int offset, int step)
      throws InterruptedException {
    int length = Math.min(step, bytes.length - offset);
    CRC32 checksum = new CRC32();
    checksum.update(bytes, offset, length);
    var chunk =
        WriteUploadChunkRequest.newBuilder()
            .setName(name)
            .setOffset(offset)
            .setData(ByteString.copyFrom(bytes, offset, length))
            .setCrc32((int) checksum.getValue())
            .build();
    var answer = Calls.insist(() -> connection.afterSales().writeUploadChunk(chunk));
    return answer.getCommittedSizeBytes();
  }
}
