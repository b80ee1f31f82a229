package pep425_test

import (
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
)

func FuzzParseWheel(f *testing.F) {
	f.Add("a_b-1.0-1x-py2.py3-none-any.whl")
	f.Add("a-1+cu118-cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
	tags := pep425.NewTags(pep425.Platform{Minor: 11, Machine: "x86_64", Libc: pep425.Glibc, LibcMajor: 2, LibcMinor: 36})
	f.Fuzz(func(t *testing.T, name string) {
		wheel, err := pep425.ParseWheel(name)
		if err != nil {
			return
		}
		if _, ok := tags.Rank(wheel); ok && !strings.Contains(name, "-") {
			t.Errorf("%q runs", name)
		}
		if wheel.CompareBuild(wheel) != 0 || wheel.Name == "" {
			t.Errorf("%q: %+v", name, wheel)
		}
		pep425.SdistVersion(name, wheel.Name)
	})
}
