package com.example.vendor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fbali.v1.ErrorReason;
import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ActionTest {
  @Test
  void everyReasonOfTheContractHasAnAction() {
    var reasons =
        Arrays.stream(ErrorReason.values())
            .filter(reason -> reason != ErrorReason.UNRECOGNIZED)
            .map(reason -> reason.name().substring("ERROR_REASON_".length()))
            .collect(Collectors.toSet());

    assertEquals(reasons, Action.BY_REASON.keySet());
  }

  @Test
  void refusalSaysItsReasonAndHowLongToWait() {
    var refusal = Refusal.of(refused(Status.Code.RESOURCE_EXHAUSTED, "fbali.v1", "LIMIT_EXCEEDED"));

    assertEquals("LIMIT_EXCEEDED", refusal.reason);
    assertEquals(Action.WAIT_SOME, refusal.action);
    assertEquals(Duration.ofMillis(1_500), refusal.retryAfter);
  }

  @Test
  void reasonOfNewerServerIsJudgedByItsCode() {
    var refusal = Refusal.of(refused(Status.Code.UNAVAILABLE, "fbali.v1", "BRAND_NEW"));

    assertEquals("BRAND_NEW", refusal.reason);
    assertEquals(Action.WAIT_OUTAGE, refusal.action);
  }

  @Test
  void reasonOfAnotherDomainIsNotOurs() {
    var refusal = Refusal.of(refused(Status.Code.UNKNOWN, "proxy.example", "TOKEN_INVALID"));

    assertEquals(Action.WAIT_SOME, refusal.action);
  }

  @Test
  void failureWithoutDetailsIsJudgedByItsCode() {
    var refusal = Refusal.of(Status.UNIMPLEMENTED.asRuntimeException());

    assertEquals("UNIMPLEMENTED", refusal.reason);
    assertEquals(Action.STOP, refusal.action);
  }

  private static StatusRuntimeException refused(Status.Code code, String domain, String reason) {
    var delay = com.google.protobuf.Duration.newBuilder().setSeconds(1).setNanos(500_000_000);
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(code.value())
            .addDetails(
                Any.pack(ErrorInfo.newBuilder().setDomain(domain).setReason(reason).build()))
            .addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(delay).build()))
            .build());
  }
}
