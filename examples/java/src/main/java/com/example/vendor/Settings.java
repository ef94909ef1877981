package com.example.vendor;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** What the environment says; ../README.md lists the variables. */
record Settings(
    String target,
    String token,
    Optional<Path> caFile,
    Path stateFile,
    Optional<Path> photoFile,
    String labelPrefix,
    Duration caseInterval) {

  /** Throws IllegalArgumentException, which names the variable that is wrong. */
  static Settings of(Map<String, String> environment) {
    String token = environment.getOrDefault("FBALI_TOKEN", "").strip();
    if (token.isEmpty()) {
      throw new IllegalArgumentException(
          "FBALI_TOKEN is not set; the operator or the vendor issues one");
    }
    return new Settings(
        text(environment, "FBALI_SERVER", "127.0.0.1:7443"),
        token,
        file(environment, "FBALI_CA_FILE"),
        Path.of(text(environment, "FBALI_STATE_FILE", ".fbali-resume-token")),
        file(environment, "FBALI_PHOTO_FILE"),
        text(environment, "FBALI_LABEL_PREFIX", "JAVA-"),
        Duration.ofSeconds(caseSeconds(text(environment, "FBALI_CASE_SECONDS", "15"))));
  }

  /** A token is worth money: it goes in clear text only where nobody else can listen. */
  boolean isClearText() {
    String host = target.substring(0, Math.max(target.lastIndexOf(':'), 0));
    boolean isLocal = host.matches("localhost|\\[::1\\]|127\\.\\d+\\.\\d+\\.\\d+");
    return caFile.isEmpty() && isLocal;
  }

  private static int caseSeconds(String text) {
    if (!text.matches("[1-9]|[1-5]\\d|60")) {
      throw new IllegalArgumentException("FBALI_CASE_SECONDS=" + text + " is not 1 to 60");
    }
    return Integer.parseInt(text);
  }

  private static Optional<Path> file(Map<String, String> environment, String name) {
    return Optional.of(text(environment, name, "")).filter(path -> !path.isEmpty()).map(Path::of);
  }

  private static String text(Map<String, String> environment, String name, String otherwise) {
    String value = environment.getOrDefault(name, "").strip();
    return value.isEmpty() ? otherwise : value;
  }
}
