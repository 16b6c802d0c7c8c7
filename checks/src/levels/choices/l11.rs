//! Level 11: a capability for one who is not root.

use linux_sys::{Capability, CapabilitySet};

use super::known::known;
use crate::check::Check;
use crate::finding::Outcome;
use crate::host::Host;
use crate::levels::l11::expect_set;

pub(super) const CHOICE: Check = Check {
    name: "--ambient-caps +NAME: a --user who is not root has that capability, and no other",
    step: 0,
    usually: "setuid has cleared the permitted set; or the capability is not in both of the sets by \
              which an exec of one who is not root goes",
    needs: &[],
    run: ambient,
};

fn ambient(host: &Host) -> Outcome {
    known(host, &["--ambient-caps", "+net_raw"])?;
    let cases = [
        ("+net_raw", Capability::CAP_NET_RAW),
        ("+net_bind_service", Capability::CAP_NET_BIND_SERVICE),
    ];
    for (asked, capability) in cases {
        let invocation = host.run(&["probe", "hold"]).option("--user").option("2014");
        let container = invocation.option("--ambient-caps").option(asked).hold()?;
        let with = format!(", with --user 2014 --ambient-caps {asked}");
        let wanted = CapabilitySet::empty().with(capability);
        for key in ["CapEff", "CapPrm", "CapAmb"] {
            expect_set(&container, key, wanted, &with)
                .map_err(|why| why.usually(Some(CHOICE.usually)))?;
        }
        container.end()?;
    }
    Ok(())
}
