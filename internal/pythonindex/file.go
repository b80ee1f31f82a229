package pythonindex

import (
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// File is a file of a distribution, as an index lists it, or at the address of a requirement.
type File struct {
	// Name is the name of the file.
	Name string
	// URL is where the file is, without credentials.
	URL string
	// SHA256 is the hash of the file in hexadecimal digits, empty where the index does not tell.
	SHA256 string
	// Size is in bytes, 0 where the index does not tell.
	Size int64
	// RequiresPython is the versions of Python that the file is for, empty for all; the index may tell nonsense.
	RequiresPython string
	// Yanked tells a file that its maker has withdrawn (PEP 592), and why, in the maker's words.
	Yanked       bool
	YankedReason string
	// Uploaded is when the file came to the index (PEP 700), zero where the index does not tell.
	Uploaded time.Time
	// MetadataSHA256 is the hash of the metadata beside the file (PEP 658), "any" where the index has it and tells none, and
	// empty where the index has none.
	MetadataSHA256 string
	// Index is the name of the index that listed the file.
	Index string

	Version pep440.Version
	// project is the normalised name of the distribution.
	project string
	// index is the one that listed the file. Nil where somebody else made this.
	index *index
	// Direct is what else is known where the file is at the address of a requirement, nil where an index lists it.
	Direct *Direct
	// Wheel is the name of a wheel taken apart, nil for a source distribution.
	Wheel *pep425.Wheel
}
