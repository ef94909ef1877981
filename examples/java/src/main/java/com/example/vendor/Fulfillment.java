package com.example.vendor;

import com.fbali.v1.AcceptAllocationRequest;
import com.fbali.v1.Allocation;
import com.fbali.v1.AllocationState;
import com.fbali.v1.CreatePackageRequest;
import com.fbali.v1.CreatePackageResponse;
import com.fbali.v1.GetAllocationRequest;
import com.fbali.v1.PackageLine;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Brings an allocation as far as this program can. What is to be done follows from what the
 * allocation is now, so that doing it twice, or going on after a crash, does no harm.
 */
final class Fulfillment {
  private final Connection connection;
  private final String labelPrefix;

  Fulfillment(Connection connection, String labelPrefix) {
    this.connection = connection;
    this.labelPrefix = labelPrefix;
  }

  /** Does what an allocation needs; what was read of it may be old, or be missing. */
  void attend(String name, Optional<Allocation> known) throws InterruptedException {
    Optional<Allocation> read = known;
    for (int tries = 1; ; tries++) {
      try {
        advance(read.isPresent() ? read.get() : read(name));
        return;
      } catch (Refusal refusal) {
        if (refusal.action != Action.READ_AGAIN || tries == Calls.TRIES_MAX) {
          Journal.passOver(name, refusal);
          return;
        }
        read = Optional.empty();
      }
    }
  }

  private Allocation read(String name) throws InterruptedException {
    var request = GetAllocationRequest.newBuilder().setName(name).build();
    return Calls.insist(() -> connection.fulfillment().getAllocation(request)).getAllocation();
  }

  private void advance(Allocation read) throws InterruptedException {
    boolean isNew = read.getState() == AllocationState.ALLOCATION_STATE_SUBMITTED;
    Allocation now = isNew ? accept(read) : read;
    List<PackageLine> lines = unpacked(now);
    if (now.getState() == AllocationState.ALLOCATION_STATE_ACCEPTED && !lines.isEmpty()) {
      ship(now, lines);
    }
  }

  private Allocation accept(Allocation allocation) throws InterruptedException {
    var request =
        AcceptAllocationRequest.newBuilder()
            .setName(allocation.getName())
            .setEtag(allocation.getEtag())
            .setRequestId(RequestIds.of("accept", allocation.getName(), allocation.getEtag()))
            .build();
    var answer = Calls.insist(() -> connection.fulfillment().acceptAllocation(request));
    Journal.did("accepted", "allocation", allocation.getName());
    return answer.getAllocation();
  }

  private void ship(Allocation allocation, List<PackageLine> lines) throws InterruptedException {
    String number = label(allocation);
    var request =
        CreatePackageRequest.newBuilder()
            .setParent(allocation.getName())
            .setTrackingNumber(number)
            .addAllLines(lines)
            .setHandedOver(true)
            .setEtag(allocation.getEtag())
            .setRequestId(RequestIds.of("ship", allocation.getName(), allocation.getEtag()))
            .build();
    CreatePackageResponse answer =
        Calls.insist(() -> connection.fulfillment().createPackage(request));
    String parcel = answer.getPackage().getName();
    String name = allocation.getName();
    Journal.did("shipped", "allocation", name, "package", parcel, "tracking_number", number);
  }

  /** What is neither in a parcel nor given back to the order. */
  private static List<PackageLine> unpacked(Allocation allocation) {
    return allocation.getLinesList().stream()
        .map(
            line ->
                PackageLine.newBuilder()
                    .setLine(line.getLine())
                    .setQuantity(
                        line.getQuantity() - line.getPackedQuantity() - line.getReturnedQuantity())
                    .build())
        .filter(line -> line.getQuantity() > 0)
        .toList();
  }

  /** In place of what a carrier sells; the same number when the same parcel is tried again. */
  private String label(Allocation allocation) {
    String id = allocation.getName().substring(allocation.getName().lastIndexOf('/') + 1);
    int parcels = allocation.getPackagesCount();
    return labelPrefix + id.toUpperCase(Locale.ROOT) + (parcels > 0 ? "-" + (parcels + 1) : "");
  }
}
