package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxFile is how many bytes a file may have that is looked at.
const maxFile = 16 << 20

// load reads the files of a folder, by their paths in it.
func load(folder string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != folder
		switch {
		case hidden && entry.IsDir():
			return filepath.SkipDir
		case hidden || !entry.Type().IsRegular():
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Size() > maxFile {
			return fmt.Errorf("%s has %d bytes, which no requirements file has", name, info.Size())
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		path, err := filepath.Rel(folder, name)
		files[filepath.ToSlash(path)] = decode(content)
		return err
	})
	return files, err
}

// decode is the text of a file. As for pip, a mark at its beginning tells UTF-16. What is no UTF-8 counts as Latin-1. (In Terraform,
// textdecodebase64(filebase64(path), "UTF-16") reads such a file.)
func decode(content []byte) string {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(content, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(content, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	case utf8.Valid(content):
		return string(content)
	default:
		runes := make([]rune, len(content))
		for i, b := range content {
			runes[i] = rune(b)
		}
		return string(runes)
	}
	units := make([]uint16, 0, len(content)/2)
	for pair := content[2:]; len(pair) >= 2; pair = pair[2:] {
		units = append(units, order.Uint16(pair))
	}
	return string(utf16.Decode(units))
}
