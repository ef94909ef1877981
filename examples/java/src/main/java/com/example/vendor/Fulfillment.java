package com.example.vendor;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fbali.v1.AcceptAllocationRequest;
import com.fbali.v1.Allocation;
import com.fbali.v1.AllocationState;
import com.fbali.v1.CreatePackageRequest;
import com.fbali.v1.CreatePackageResponse;
import com.fbali.v1.GetAllocationRequest;
import com.fbali.v1.PackageLine;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

/**
 * Brings an allocation as far as this program can. What is to be done follows from what the
 * allocation is now, so that doing it twice, or going on after a crash, does no harm.
 */
final class Fulfillment {
  private static final int READS_MAX = 5; // One that changes all the time comes again.

  private final Connection connection;

  Fulfillment(Connection connection) {
    this.connection = connection;
  }

  Allocation read(String name) throws InterruptedException {
    var request = GetAllocationRequest.newBuilder().setName(name).build();
    return Calls.insist(() -> connection.fulfillment().getAllocation(request)).getAllocation();
  }

  /** Accepts it, packs what is left of it, or leaves it alone. */
  void advance(Allocation allocation) throws InterruptedException {
    for (int reads = 0; reads < READS_MAX; reads++) {
      try {
        if (allocation.getState() == AllocationState.ALLOCATION_STATE_SUBMITTED) {
          allocation = accept(allocation);
        }
        if (allocation.getState() == AllocationState.ALLOCATION_STATE_ACCEPTED
            && !unpacked(allocation).isEmpty()) {
          ship(allocation);
        }
        return;
      } catch (Refusal refusal) {
        if (refusal.reaction != Reaction.READ_AGAIN) {
          throw refusal;
        }
        Journal.refused(refusal, allocation.getName());
        allocation = read(allocation.getName());
      }
    }
  }

  private Allocation accept(Allocation allocation) throws InterruptedException {
    var request =
        AcceptAllocationRequest.newBuilder()
            .setName(allocation.getName())
            .setEtag(allocation.getEtag())
            .setRequestId(requestId("accept", allocation.getName()))
            .build();
    var answer = Calls.insist(() -> connection.fulfillment().acceptAllocation(request));
    Journal.did("accepted", "allocation", allocation.getName());
    return answer.getAllocation();
  }

  private void ship(Allocation allocation) throws InterruptedException {
    String number = trackingNumber(allocation);
    var request =
        CreatePackageRequest.newBuilder()
            .setParent(allocation.getName())
            .setTrackingNumber(number)
            .addAllLines(unpacked(allocation))
            .setHandedOver(true)
            .setEtag(allocation.getEtag())
            .setRequestId(requestId("ship", allocation.getName() + "/" + number))
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

  /** In place of the label that a carrier sells: one number for each parcel of the allocation. */
  private static String trackingNumber(Allocation allocation) {
    String id = allocation.getName().substring(allocation.getName().lastIndexOf('/') + 1);
    return "JV" + id.toUpperCase(Locale.ROOT) + "-" + (allocation.getPackagesCount() + 1);
  }

  /** Made of the intent, so that it is the same when this program is started again in between. */
  private static String requestId(String intent, String name) {
    return UUID.nameUUIDFromBytes((intent + " " + name).getBytes(UTF_8)).toString();
  }
}
