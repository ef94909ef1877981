package com.example.vendor;

import com.google.gson.JsonObject;

/** Says what was done: a JSON object a line on stdout for programs, words on stderr for people. */
final class Journal {
  private Journal() {}

  /** Writes {"did": what, key: value, ...}. */
  static void did(String what, String... keysAndValues) {
    JsonObject line = new JsonObject();
    line.addProperty("did", what);
    for (int i = 0; i < keysAndValues.length; i += 2) {
      line.addProperty(keysAndValues[i], keysAndValues[i + 1]);
    }
    System.out.println(line);
    System.out.flush();
  }

  static void refused(Refusal refusal, String subject) {
    String reaction = refusal.reaction.name();
    did("refused", "subject", subject, "reason", refusal.reason, "reaction", reaction);
    say("%s: %s (%s)", subject, refusal.getMessage(), refusal.reason);
  }

  static void say(String words, Object... arguments) {
    System.err.println(String.format(words, arguments));
  }
}
