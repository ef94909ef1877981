package com.example.vendor;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where to go on after a restart, kept in a file that is always whole. */
final class ResumeToken {
  private final Path file;
  private String token;

  ResumeToken(Path file) throws IOException {
    this.file = file.toAbsolutePath();
    this.token = Files.exists(file) ? Files.readString(file).strip() : "";
  }

  /** The token that was kept last, or empty. */
  String get() {
    return token;
  }

  /** Keeps a token; empty forgets. */
  void keep(String next) throws IOException {
    if (next.equals(token)) {
      return;
    }
    Path part = file.resolveSibling(file.getFileName() + ".part");
    Files.writeString(part, next + "\n");
    Files.move(part, file, ATOMIC_MOVE, REPLACE_EXISTING);
    token = next;
  }
}
