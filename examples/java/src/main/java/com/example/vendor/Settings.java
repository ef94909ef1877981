package com.example.vendor;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** What the environment says; a variable that is missing is named in the exception. */
record Settings(
    String target, String token, Optional<Path> caFile, Path stateFile, Optional<Path> photoFile) {

  static Settings of(Map<String, String> environment) {
    return new Settings(
        required(environment, "FBALI_TARGET"),
        required(environment, "FBALI_TOKEN"),
        file(environment, "FBALI_CA_FILE"),
        Path.of(required(environment, "FBALI_STATE_FILE")),
        file(environment, "FBALI_PHOTO_FILE"));
  }

  /** A token is worth money: it goes in clear text only where nobody else can listen. */
  boolean isClearText() {
    String host = target.substring(0, Math.max(target.lastIndexOf(':'), 0));
    return caFile.isEmpty()
        && (host.equals("localhost") || host.equals("[::1]") || host.startsWith("127."));
  }

  private static String required(Map<String, String> environment, String name) {
    String value = environment.getOrDefault(name, "");
    if (value.isBlank()) {
      throw new IllegalArgumentException(name + " is not set; README.md says what it is");
    }
    return value.strip();
  }

  private static Optional<Path> file(Map<String, String> environment, String name) {
    return Optional.of(environment.getOrDefault(name, "")).filter(s -> !s.isBlank()).map(Path::of);
  }
}
