package com.example.vendor;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.UUID;

/** Names of intents. */
final class RequestIds {
  private static final UUID NAMESPACE = UUID.fromString("0c8f4a52-6d0f-4b57-9d5e-3f1f0b7f2a61");

  private RequestIds() {}

  /**
   * A UUID of version 5: the same words give the same one, so that a retry, also one by the next run
   * of this program, is known to the server. The etag that is sent is one of the words: with another
   * one the request says something else.
   */
  static String of(String... words) {
    byte[] name = String.join("/", words).getBytes(UTF_8);
    ByteBuffer input = ByteBuffer.allocate(2 * Long.BYTES + name.length);
    input.putLong(NAMESPACE.getMostSignificantBits());
    input.putLong(NAMESPACE.getLeastSignificantBits());
    ByteBuffer digest = ByteBuffer.wrap(Digests.of("SHA-1", input.put(name).array()));
    long high = (digest.getLong() & ~0xF000L) | 0x5000L; // The version.
    long low = (digest.getLong() & ~(3L << 62)) | (2L << 62); // The variant.
    return new UUID(high, low).toString();
  }
}
