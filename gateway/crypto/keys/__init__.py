"""Private keys: `holders` keep those of bodies in processes of their own, `signers` the two cheap ones of the service."""
