package com.example.vendor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.UUID;
import org.junit.jupiter.api.Test;

class RequestIdsTest {
  @Test
  void sameIntentHasTheSameId() {
    assertEquals("8e73e989-904e-5b01-82e5-65fc27a0ed02", RequestIds.of("accept", "allocation", "1"));
  }

  @Test
  void anotherEtagIsAnotherIntent() {
    assertNotEquals(RequestIds.of("accept", "a", "1"), RequestIds.of("accept", "a", "2"));
  }

  @Test
  void idSaysThatItIsMadeOfAName() {
    UUID id = UUID.fromString(RequestIds.of("ship", "a", "1"));

    assertEquals(5, id.version());
    assertEquals(2, id.variant());
  }
}
