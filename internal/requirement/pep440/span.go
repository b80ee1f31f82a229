package pep440

// span is a stretch of keys: from low on, below high.
type span struct{ low, high string }

// top is above all keys.
const top = "\xff"

// holds tells that the key lies in the span.
func (s span) holds(key string) bool { return s.low <= key && key < s.high }

// newSpan is what a clause speaks of, by PEP 440's section "Version specifiers". The clause is not "===".
func (c Clause) newSpan(p parts) span {
	public := p.key()
	// withLocals is after the version and all its local versions.
	withLocals := public + string([]byte{endOfKey})
	switch c.operator {
	case ">=":
		return span{public, top}
	case "<=":
		return span{"", withLocals}
	case ">":
		if p.post != "" || p.dev != "" {
			return span{withLocals, top}
		}
		// A post-release of the version is not after it.
		return span{string(append(p.appendPhase(p.appendRelease(nil)), endOfKey)), top}
	case "<":
		if !c.version.pre {
			// A pre-release of the version is not before it.
			p.dev = "0"
		}
		return span{"", p.key()}
	case "~=":
		return span{public, beforeRelease(p.epoch, p.release[:len(p.release)-1])}
	}
	switch {
	case c.wildcard:
		lowest := parts{epoch: p.epoch, release: p.release, dev: "0"}
		return span{lowest.key(), beforeRelease(p.epoch, p.release)}
	case c.version.Local() != "":
		return span{c.version.key, c.version.key + "\x00"}
	}
	return span{public, withLocals}
}

// beforeRelease is the lowest key of the first release that does not start with those numbers.
func beforeRelease(epoch string, release []string) string {
	p := parts{epoch: epoch, release: following(release), dev: "0"}
	return p.key()
}
