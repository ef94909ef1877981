package com.example.vendor;

import com.google.gson.Gson;
import com.google.gson.JsonObject;

/** Says what was done: a JSON object a line on stdout for programs, words on stderr for people. */
final class Journal {
  private static final Gson JSON = new Gson();

  private Journal() {}

  /** Writes {"did": what, key: value, ...}. */
  static void did(String what, Object... keysAndValues) {
    JsonObject line = new JsonObject();
    line.addProperty("did", what);
    for (int i = 0; i < keysAndValues.length; i += 2) {
      line.add((String) keysAndValues[i], JSON.toJsonTree(keysAndValues[i + 1]));
    }
    System.out.println(line);
    System.out.flush();
  }

  /** Says that one thing was left alone; throws what the whole program cannot go on with. */
  static void passOver(String subject, Refusal refusal) {
    if (refusal.action == Action.STOP) {
      throw refusal;
    }
    say("%s is passed over: %s", subject, refusal.getMessage());
    did("passed_over", "subject", subject, "reason", refusal.reason);
  }

  static void say(String words, Object... arguments) {
    System.err.println(String.format(words, arguments));
  }
}
