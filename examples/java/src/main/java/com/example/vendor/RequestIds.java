package com.example.vendor;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.UUID;

/** Names of intents. */
final class RequestIds {
  private RequestIds() {}

  /**
   * The same words give the same id, so that a retry, also one by the next run of this program, is
   * known to the server. The etag that is sent is one of the words: with another one the request
   * says something else.
   */
  static String of(String... words) {
    byte[] intent = ("fbali-example-java/" + String.join("/", words)).getBytes(UTF_8);
    return UUID.nameUUIDFromBytes(intent).toString();
  }
}
