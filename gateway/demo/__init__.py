"""The demo network: two gateways on one machine, a development PKI, 338 bodies and one real letter.

What it is made of, and where that comes from:

* `world`: the bodies and the written rule of their codes, from the facts in config/demo/hcmc168.csv;
* `plan`, `certificates`, `layout`, `workshop`, `pki`: the development PKI, declared in certs/pki.toml and made afresh
  for every run (no private key is ever shipped);
* `registry_seed`: the registry edition that both gateways pin by its digest;
* `network`, `processes`: all of it on disk, and the two gateways as processes of their own;
* `story`: the letter's way, told through the office APIs; `verify`: the stranger who checks everything afterwards;
* `run`, `board`, `outcome`: the conductor, what a person sees, and the last line;
* `letters`: what is written in the two PDF files of config/demo, and so what their envelopes must say of them.

Rules of the room. Everything made here is marked: the word DEMO in every subject, the demo's policy in every
certificate, codes under `Z79`; `serve` refuses it all unless its configuration says `environment = "demo"`. The demo
writes only below the one folder it is given, overwrites nothing, and stands above all other rooms: none knows it.

When it fails, it says at which step and leaves the folder as it is, to be looked at; the next run takes a fresh one.
A key that was half made is never used: keys are written once, by the process that made them, and a broken process
breaks the run.
"""

from gateway.demo.run import run_demo

__all__ = ["run_demo"]
