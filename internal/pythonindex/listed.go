package pythonindex

import (
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// Listed is what a choice among files needs to know of one. The fields are those of [File], of which there are too many to have
// them all.
type Listed struct {
	Version pep440.Version
	// Wheel has the tags and the number of the build; name and version are not always there. Nil is a source distribution.
	Wheel          *pep425.Wheel
	RequiresPython string
	Yanked         bool
	Uploaded       time.Time

	origin Origin
}

// List is what a choice needs to know of the file.
func List(f *File) Listed {
	return Listed{
		Version: f.Version, Wheel: f.Wheel, RequiresPython: f.RequiresPython, Yanked: f.Yanked, Uploaded: f.Uploaded, origin: Origin{file: f},
	}
}

// Origin is where the file can be made from.
func (l *Listed) Origin() Origin { return l.origin }

// Origin is what a file can be made from. The zero value is no file.
type Origin struct {
	file  *File
	page  *page
	place place
}

// OriginOf is where that file comes from. That of nil is the zero value.
func OriginOf(f *File) Origin { return Origin{file: f} }

// File is the file. It is made each time.
func (o Origin) File() *File {
	if o.page == nil {
		return o.file
	}
	var row row
	r := reader{o.page.rows[o.place.piece][o.place.at:]}
	r.next(&row)
	return o.page.file(&row)
}
