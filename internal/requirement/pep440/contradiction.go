package pep440

// Contradiction is the clauses for which no version can meet the specifier: two that exclude each other, or one that
// excludes all that the others allow. It is nil where a version might; that is no promise, since several clauses together
// can still exclude everything.
func (s Specifier) Contradiction() []Clause {
	if pair := s.differentText(); pair != nil {
		return pair
	}
	var low, high *Clause
	allowed := span{"", top}
	for i := range s.clauses {
		c := &s.clauses[i]
		if c.operator == "!=" || c.operator == "===" {
			continue
		}
		if c.span.low > allowed.low {
			allowed.low, low = c.span.low, c
		}
		if c.span.high < allowed.high {
			allowed.high, high = c.span.high, c
		}
	}
	if allowed.low >= allowed.high && low != nil && high != nil {
		return []Clause{*low, *high}
	}
	for _, c := range s.clauses {
		if c.operator == "!=" && c.span.low <= allowed.low && allowed.high <= c.span.high {
			return []Clause{c}
		}
	}
	return nil
}

// differentText finds what cannot be met together with "===", which fixes the version's text.
func (s Specifier) differentText() []Clause {
	for i, c := range s.clauses {
		if c.operator != "===" {
			continue
		}
		for j, other := range s.clauses {
			switch {
			case i == j:
			case other.operator == "===" || c.version != Version{} && !other.Allows(c.version):
				return []Clause{c, other}
			}
		}
	}
	return nil
}
