package embedded

import (
	"cmp"
	"time"
)

// Timing is how long the processes that share a registry wait for each other, and for what they look up there. Zero fields
// take the defaults.
type Timing struct {
	// LeaseTTL is how long a build counts as alive after its process was last heard of. Default 30 s.
	LeaseTTL time.Duration
	// LeaseRenewal is how often a building process lets itself be heard of. Default 10 s.
	LeaseRenewal time.Duration
	// ClaimTTL is how long a process may take to change a record; when it dies meanwhile, others wait that long.
	// Default 20 s.
	ClaimTTL time.Duration
	// BaseCheckTTL is how long the digest of a base image is remembered. Default 30 s; negative: not at all.
	BaseCheckTTL time.Duration
	// BaseCheckTimeout bounds looking it up. Default 10 s.
	BaseCheckTimeout time.Duration
	// FinishTimeout bounds how long the end of a build tries to write itself down. Default 2 min.
	FinishTimeout time.Duration
}

func (t Timing) withDefaults() Timing {
	return Timing{
		LeaseTTL: cmp.Or(t.LeaseTTL, 30*time.Second), LeaseRenewal: cmp.Or(t.LeaseRenewal, 10*time.Second),
		ClaimTTL: cmp.Or(t.ClaimTTL, 20*time.Second), FinishTimeout: cmp.Or(t.FinishTimeout, 2*time.Minute),
		BaseCheckTTL: cmp.Or(t.BaseCheckTTL, 30*time.Second), BaseCheckTimeout: cmp.Or(t.BaseCheckTimeout, 10*time.Second),
	}
}
