"""What commands show of messages. Imports the contract, so commands load it when they run."""
