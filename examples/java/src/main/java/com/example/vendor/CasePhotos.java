package com.example.vendor;

import com.fbali.v1.Case;
import com.fbali.v1.CaseParty;
import com.fbali.v1.CreateUploadRequest;
import com.fbali.v1.FinalizeUploadRequest;
import com.fbali.v1.GetUploadRequest;
import com.fbali.v1.ListCasesRequest;
import com.fbali.v1.ListCasesResponse;
import com.fbali.v1.Upload;
import com.fbali.v1.UploadState;
import com.fbali.v1.WriteUploadChunkRequest;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32;

/** Adds the photo of how it was packed to every case that the vendor is to answer. */
final class CasePhotos {
  private static final long NANOS_BETWEEN_LOOKS = 2_000_000_000L;
  private static final int CHUNK_BYTES = 512 * 1024;
  private static final int SETBACKS_MAX = 10;

  private final Connection connection;
  private final Optional<Path> file;
  private final Set<String> done = new HashSet<>(); // Cases; another start finds the photos there.
  private long nextLook = System.nanoTime();

  CasePhotos(Connection connection, Optional<Path> file) {
    this.connection = connection;
    this.file = file;
  }

  /** Looks for new cases, if some time has passed: the watch brings allocations, no cases. */
  void lookIfDue() throws InterruptedException, IOException {
    if (file.isEmpty() || System.nanoTime() - nextLook < 0) {
      return;
    }
    try {
      look();
    } catch (Refusal refusal) {
      if (refusal.reaction == Reaction.STOP) {
        throw refusal;
      }
      Journal.refused(refusal, "cases");
    }
    nextLook = System.nanoTime() + NANOS_BETWEEN_LOOKS;
  }

  private void look() throws InterruptedException, IOException {
    var request = ListCasesRequest.newBuilder().setWaitingFor(CaseParty.CASE_PARTY_VENDOR);
    ListCasesResponse page;
    do {
      page = Calls.insist(() -> connection.afterSales().listCases(request.build()));
      for (Case found : page.getCasesList()) {
        if (!done.contains(found.getName())) {
          add(found.getName());
        }
      }
      request.setPageToken(page.getNextPageToken());
    } while (!page.getNextPageToken().isEmpty());
  }

  private void add(String name) throws InterruptedException, IOException {
    try {
      String photo = upload(name, Files.readAllBytes(file.get()));
      Journal.did("uploaded", "case", name, "photo", photo);
    } catch (Refusal refusal) {
      if (refusal.reaction == Reaction.STOP) {
        throw refusal;
      }
      Journal.refused(refusal, name);
    }
    done.add(name);
  }

  /**
   * Sends a photo and returns its name. The server knows an upload by its digest: begun again, even
   * by a new process, it goes on where it stopped, and a finished one is answered as it is.
   */
  private String upload(String parent, byte[] bytes) throws InterruptedException {
    String digest = sha256(bytes);
    var create =
        CreateUploadRequest.newBuilder()
            .setParent(parent)
            .setFileName(file.get().getFileName().toString())
            .setSizeBytes(bytes.length)
            .setSha256(digest)
            .build();
    Upload upload = Calls.insist(() -> connection.afterSales().createUpload(create)).getUpload();
    if (upload.getState() == UploadState.UPLOAD_STATE_RECEIVING) {
      send(upload, bytes);
    }
    var end =
        FinalizeUploadRequest.newBuilder().setName(upload.getName()).setSha256(digest).build();
    return Calls.insist(() -> connection.afterSales().finalizeUpload(end)).getPhoto().getName();
  }

  private void send(Upload upload, byte[] bytes) throws InterruptedException {
    long committed = upload.getCommittedSizeBytes();
    int setbacks = 0;
    while (committed < bytes.length) {
      try {
        committed = write(upload.getName(), bytes, (int) committed);
        setbacks = 0;
      } catch (Refusal refusal) {
        if (refusal.reaction != Reaction.READ_AGAIN || ++setbacks > SETBACKS_MAX) {
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

  private long write(String name, byte[] bytes, int offset) throws InterruptedException {
    int length = Math.min(CHUNK_BYTES, bytes.length - offset);
    CRC32 checksum = new CRC32();
    checksum.update(bytes, offset, length);
    var chunk =
        WriteUploadChunkRequest.newBuilder()
            .setName(name)
            .setOffset(offset)
            .setData(ByteString.copyFrom(bytes, offset, length))
            .setCrc32((int) checksum.getValue())
            .build();
    return Calls.insist(() -> connection.afterSales().writeUploadChunk(chunk))
        .getCommittedSizeBytes();
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException impossible) {
      throw new AssertionError(impossible); // Every Java has it.
    }
  }
}
