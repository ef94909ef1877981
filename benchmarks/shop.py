"""The pretend shop in a process of its own, so that serving its orders is not measured."""

import signal
import sys

from app.demo.shop import PretendShop, ShopOptions


def main(listen: str, orders: int) -> None:
    """Serve on `127.0.0.1:port` until the process is ended."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with PretendShop(ShopOptions(port=int(listen.rpartition(":")[2]))) as shop:
        shop.fill(orders=orders)
        signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
