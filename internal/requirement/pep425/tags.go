package pep425

import (
	"fmt"
	"slices"
	"strings"
)

// Libc is a C library.
type Libc string

const (
	// Glibc is the GNU C library: wheels for manylinux (PEP 600).
	Glibc Libc = "glibc"
	// Musl is musl: wheels for musllinux (PEP 656).
	Musl Libc = "musl"
)

// Platform is what a wheel has to run on: CPython on Linux.
type Platform struct {
	// Minor is the minor version of Python 3, and Threaded tells a free-threaded build of it (PEP 703).
	Minor    int
	Threaded bool
	// Machine is the processor as uname has it ("x86_64", "aarch64").
	Machine string
	Libc    Libc
	// LibcMajor and LibcMinor are the version of the C library.
	LibcMajor, LibcMinor int
}

// machines are Go's names of processors and uname's.
var machines = map[string]string{
	"amd64": "x86_64", "arm64": "aarch64", "arm64v8": "aarch64", "386": "i686", "ppc64le": "ppc64le", "s390x": "s390x",
	"riscv64": "riscv64", "armv7": "armv7l",
}

// Machine is the processor as uname has it, of a platform of an image ("arm64", "v8"). Empty where there are no wheels for it.
func Machine(architecture, variant string) string { return machines[architecture+variant] }

// tag is one way to run a wheel.
type tag struct{ interpreter, abi, platform string }

// Tags are the tags that a platform supports, the best first.
type Tags struct {
	list      []tag
	rank      map[tag]int
	platforms []string
}

// NewTags is what the platform supports, in the order of `packaging`, which pip takes.
func NewTags(p Platform) *Tags {
	platforms := p.platforms()
	t := &Tags{rank: map[tag]int{}, platforms: platforms}
	own := fmt.Sprintf("cp3%d", p.Minor)
	abi, stable := own, "abi3"
	if p.Threaded {
		abi, stable = own+"t", "abi3t"
	}
	t.add(own, abi, platforms)
	t.add(own, stable, platforms)
	t.add(own, "none", platforms)
	for minor := p.Minor - 1; minor >= 2; minor-- {
		t.add(fmt.Sprintf("cp3%d", minor), stable, platforms)
	}
	generic := []string{fmt.Sprintf("py3%d", p.Minor), "py3"}
	for minor := p.Minor - 1; minor >= 0; minor-- {
		generic = append(generic, fmt.Sprintf("py3%d", minor))
	}
	for _, interpreter := range generic {
		t.add(interpreter, "none", platforms)
	}
	for _, interpreter := range slices.Concat([]string{own}, generic) {
		t.add(interpreter, "none", []string{"any"})
	}
	return t
}

func (t *Tags) add(interpreter, abi string, platforms []string) {
	for _, platform := range platforms {
		supported := tag{interpreter, abi, platform}
		t.rank[supported] = len(t.list)
		t.list = append(t.list, supported)
	}
}

// legacy are the older names of some glibc versions (PEP 513, 571, 599).
var legacy = map[[2]int]string{{2, 17}: "manylinux2014", {2, 12}: "manylinux2010", {2, 5}: "manylinux1"}

// platforms are the platform tags, the best first.
func (p Platform) platforms() []string {
	tags := []string{"linux_" + p.Machine}
	switch p.Libc {
	case Musl:
		for minor := p.LibcMinor; minor >= 0; minor-- {
			tags = append(tags, fmt.Sprintf("musllinux_%d_%d_%s", p.LibcMajor, minor, p.Machine))
		}
	case Glibc:
		oldest := 17
		if p.Machine == "x86_64" || p.Machine == "i686" {
			oldest = 5
		}
		for minor := p.LibcMinor; minor >= oldest; minor-- {
			tags = append(tags, fmt.Sprintf("manylinux_%d_%d_%s", p.LibcMajor, minor, p.Machine))
			if name := legacy[[2]int{p.LibcMajor, minor}]; name != "" {
				tags = append(tags, name+"_"+p.Machine)
			}
		}
	}
	return tags
}

// RunsOnLinux tells that there may be a [Platform] that the wheel runs on. Wheels for Windows, for macOS, for PyPy and for
// Python 2 run on none.
func (w Wheel) RunsOnLinux() bool {
	return slices.ContainsFunc(w.interpreters, func(interpreter string) bool {
		return strings.HasPrefix(interpreter, "cp3") || strings.HasPrefix(interpreter, "py3")
	}) && slices.ContainsFunc(w.platforms, func(platform string) bool {
		return platform == "any" || strings.HasPrefix(platform, "linux_") || strings.HasPrefix(platform, "manylinux") ||
			strings.HasPrefix(platform, "musllinux_")
	})
}

// Rank is how well the wheel fits, a lower one better. It is not ok where the wheel does not run there.
func (t *Tags) Rank(w Wheel) (rank int, ok bool) {
	rank = len(t.list)
	for _, interpreter := range w.interpreters {
		for _, abi := range w.abis {
			for _, platform := range w.platforms {
				if r, supported := t.rank[tag{interpreter, abi, platform}]; supported {
					rank = min(rank, r)
				}
			}
		}
	}
	return rank, rank < len(t.list)
}

// OnPlatform tells that the wheel runs on the platform, with some version of Python.
func (t *Tags) OnPlatform(w Wheel) bool {
	return slices.ContainsFunc(w.platforms, func(platform string) bool { return platform == "any" || slices.Contains(t.platforms, platform) })
}

// Len is how many tags there are: one more than the worst rank.
func (t *Tags) Len() int { return len(t.list) }
