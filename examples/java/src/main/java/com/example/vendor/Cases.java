package com.example.vendor;

import com.fbali.v1.AcceptCaseRequest;
import com.fbali.v1.Case;
import com.fbali.v1.CaseParty;
import com.fbali.v1.CaseState;
import com.fbali.v1.GetCaseRequest;
import com.fbali.v1.ListCasesRequest;
import com.fbali.v1.ListCasesResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Agrees to what customers ask for, with a photo as evidence where there is one. A real vendor
 * would let a person decide.
 */
final class Cases {
  private final Connection connection;
  private final Optional<Path> photoFile;
  private final long intervalNanos;
  private final Set<String> passedOver = new HashSet<>(); // The next run tries them once more.
  private long nextLook = System.nanoTime();

  Cases(Connection connection, Settings settings) {
    this.connection = connection;
    this.photoFile = settings.photoFile();
    this.intervalNanos = settings.caseInterval().toNanos();
  }

  /** Looks for cases if it is time to: a watch brings allocations, but no cases. */
  void answerIfDue() throws InterruptedException, IOException {
    if (System.nanoTime() - nextLook < 0) {
      return;
    }
    try {
      answerAll();
    } catch (Refusal refusal) {
      Journal.passOver("cases", refusal);
    }
    nextLook = System.nanoTime() + intervalNanos;
  }

  private void answerAll() throws InterruptedException, IOException {
    var request =
        ListCasesRequest.newBuilder()
            .addStates(CaseState.CASE_STATE_SUBMITTED)
            .setWaitingFor(CaseParty.CASE_PARTY_VENDOR);
    ListCasesResponse page;
    do {
      page = Calls.insist(() -> connection.afterSales().listCases(request.build()));
      for (Case found : page.getCasesList()) {
        attend(found.getName());
      }
      request.setPageToken(page.getNextPageToken());
    } while (!page.getNextPageToken().isEmpty());
  }

  private void attend(String name) throws InterruptedException, IOException {
    if (passedOver.contains(name)) {
      return;
    }
    try {
      if (photoFile.isPresent()) {
        String photo = new PhotoUpload(connection).send(photoFile.get(), name);
        Journal.did("uploaded", "case", name, "photo", photo);
      }
      agree(name);
    } catch (Refusal refusal) {
      Journal.passOver(name, refusal);
      passedOver.add(name);
    }
  }

  private void agree(String name) throws InterruptedException {
    for (int tries = 1; ; tries++) {
      var read = GetCaseRequest.newBuilder().setName(name).build();
      String etag = Calls.insist(() -> connection.afterSales().getCase(read)).getCase().getEtag();
      var request =
          AcceptCaseRequest.newBuilder()
              .setName(name)
              .setNote("We are sorry. Agreed.")
              .setEtag(etag)
              .setRequestId(RequestIds.of("agree", name, etag))
              .build();
      try {
        Calls.insist(() -> connection.afterSales().acceptCase(request));
        Journal.did("answered", "case", name);
        return;
      } catch (Refusal refusal) {
        if (refusal.action != Action.READ_AGAIN || tries == Calls.TRIES_MAX) {
          throw refusal;
        }
      }
    }
  }
}
