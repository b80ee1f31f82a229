package rime

import "time"

// Hurry makes a registry wait only that long for what the platform does in its own time.
func (r *Registry) Hurry(d time.Duration) {
	r.patience = patience{settle: d, settleInterrupted: d, outage: d, cancel: d, gone: d}
}

// FewReads is how many reads are made one by one before a list is begun.
const FewReads = fewReads

// WalkLifetime is how old what a walk has read may be when it is handed out.
const WalkLifetime = walkLifetime
