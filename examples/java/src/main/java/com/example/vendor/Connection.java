package com.example.vendor;

import com.fbali.v1.AfterSalesServiceGrpc;
import com.fbali.v1.AfterSalesServiceGrpc.AfterSalesServiceBlockingStub;
import com.fbali.v1.FulfillmentServiceGrpc;
import com.fbali.v1.FulfillmentServiceGrpc.FulfillmentServiceBlockingStub;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** One connection that authenticates every call; gRPC opens it anew when it breaks. */
final class Connection implements AutoCloseable {
  private static final long CALL_SECONDS = 20;

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final ManagedChannel channel;

  Connection(Settings settings) throws IOException {
    Metadata metadata = new Metadata();
    metadata.put(AUTHORIZATION, "Bearer " + settings.token());
    channel =
        Grpc.newChannelBuilder(settings.target(), credentials(settings))
            .intercept(MetadataUtils.newAttachHeadersInterceptor(metadata))
            // Notices within a minute and a half that a watch is dead although nobody said so.
            .keepAliveTime(60, TimeUnit.SECONDS)
            .keepAliveTimeout(20, TimeUnit.SECONDS)
            .build();
  }

  private static ChannelCredentials credentials(Settings settings) throws IOException {
    if (settings.isClearText()) {
      return InsecureChannelCredentials.create();
    }
    TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
    if (settings.caFile().isPresent()) {
      tls.trustManager(settings.caFile().get().toFile());
    }
    return tls.build(); // Without a file of its own: what this machine trusts.
  }

  /** For calls about allocations; the deadline runs from now. */
  FulfillmentServiceBlockingStub fulfillment() {
    return watching().withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
  }

  /** For streams, which have no deadline. */
  FulfillmentServiceBlockingStub watching() {
    reconnectAtOnce();
    return FulfillmentServiceGrpc.newBlockingStub(channel);
  }

  /** For cases and their photos; the deadline runs from now. */
  AfterSalesServiceBlockingStub afterSales() {
    reconnectAtOnce();
    return AfterSalesServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
  }

  /**
   * Left alone, gRPC waits up to two minutes before it looks for a server that was away. Callers
   * here wait between two tries themselves, so each try may as well look.
   */
  private void reconnectAtOnce() {
    channel.resetConnectBackoff();
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
