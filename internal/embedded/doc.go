// Package embedded is the registry of managed images that needs no platform: builds run in this process, on a [Builder], and
// an OCI registry is the only store. Any process on any machine sees the same images.
//
// What is where. The image `name` lives in the repository `<url>/<repository_prefix>/<name>`. Its record, an OCI artifact
// under the tag `rime-record`, holds the request, the newest build, what is published and a lease. Images are published
// under content-addressed tags, `<python>-<12 hex of the inputs and the base>`; an update keeps the older ones, which may be in
// use, and lists them in the record, so that a delete removes exactly what was created here.
//
// Who may write. An OCI registry has no compare-and-swap, so processes exclude each other by the flag principle (claim.go):
// raise a flag, then look; of any two, at least one sees the other. A flag is held only while the record
// changes hands. Whoever has written their lease into the record is its only writer from then on, renews the lease while at work (lease.go), and
// gives it up with the last write. A lease that ran out belongs to a process that died.
//
// What a crash leaves. The record is written before anything is published (it names the tag a build is about to push) and removed
// after everything else, so that whatever a killed process leaves behind is in a record that the next one reads. An image that was created in a
// run of Terraform that died may be in no state: the next create takes it over, if the run is known to be dead (creation.go) and had the same directory.
package embedded
