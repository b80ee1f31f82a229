package aws

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// imageStore is what was pushed to a repository.
type imageStore struct {
	imageView                    // the truth
	past      history[imageView] // what the calls of ECR's API find of it
	blobs     map[string]bool    // by digest
	preview   *preview
	count     int
}

// imageView is what is in a repository at one time. It is replaced, never changed.
type imageView struct {
	images map[string]*image // by digest
	tags   map[string]string // digests by tag
}

// image is an image, an index or another artifact.
type image struct {
	digest, mediaType string
	manifest          []byte
	parsed            manifestParts
	size              int64
	pushed, pulled    time.Time
	archived          time.Time // zero: it can be pulled
	number            int       // the order of arrival, where times are the same
}

// isArchived tells whether the image is in the archive storage class.
func (i *image) isArchived() bool { return !i.archived.IsZero() }

// manifestParts are what a manifest refers to.
type manifestParts struct {
	MediaType    string       `json:"mediaType"`
	ArtifactType string       `json:"artifactType"`
	Config       *descriptor  `json:"config"`
	Layers       []descriptor `json:"layers"`
	Manifests    []descriptor `json:"manifests"`
	Subject      *descriptor  `json:"subject"`
}

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

func newImageStore() *imageStore {
	s := &imageStore{blobs: map[string]bool{}}
	s.past.set(&imageView{}, time.Time{})
	return s
}

// changeImages changes what is in a repository.
func (c *Cloud) changeImages(s *imageStore, change func(*imageView)) {
	next := imageView{map[string]*image{}, map[string]string{}}
	maps.Copy(next.images, s.images)
	maps.Copy(next.tags, s.tags)
	change(&next)
	s.imageView = next
	if c.lag.Images {
		s.past.set(&next, c.everywhere())
	} else {
		s.past = history[imageView]{states: []state[imageView]{{&next, c.now}}}
	}
}

// imagesOf is what a call finds in a repository.
func (c *Cloud) imagesOf(r *repository) *imageView {
	if !c.lag.Images {
		return &r.images.imageView
	}
	return r.images.past.seen(c.now, c.lag.Flapping, c.random)
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// keep keeps a manifest, and moves a tag to it unless that is empty. An image that is there keeps its time, and is no longer archived.
func (c *Cloud) keep(s *imageStore, content []byte, mediaType, tag string) *image {
	digest := digestOf(content)
	i, found := s.images[digest]
	if !found {
		s.count++
		i = &image{digest: digest, mediaType: mediaType, manifest: content, pushed: c.now, number: s.count}
		_ = json.Unmarshal(content, &i.parsed) // the registry has taken it
		i.size = s.sizeOf(i)
	}
	i.archived = time.Time{}
	c.changeImages(s, func(v *imageView) {
		v.images[digest] = i
		if tag != "" {
			v.tags[tag] = digest
		}
	})
	return i
}

// remove removes an image and its tags.
func (c *Cloud) remove(s *imageStore, digest string) {
	c.changeImages(s, func(v *imageView) {
		delete(v.images, digest)
		maps.DeleteFunc(v.tags, func(_, d string) bool { return d == digest })
	})
}

// untag removes a tag of an image that has others.
func (c *Cloud) untag(s *imageStore, tag string) {
	c.changeImages(s, func(v *imageView) { delete(v.tags, tag) })
}

// sizeOf is the size of an image: of its configuration and layers or, of an index, of the largest image in it.
func (v *imageView) sizeOf(i *image) int64 {
	var size int64
	for _, child := range i.parsed.Manifests {
		if found := v.images[child.Digest]; found != nil {
			size = max(size, found.size)
		}
	}
	if i.parsed.Config != nil {
		size += i.parsed.Config.Size
	}
	for _, layer := range i.parsed.Layers {
		size += layer.Size
	}
	return size
}

// tagsOf are the tags of an image, in lexical order.
func (v *imageView) tagsOf(digest string) []string {
	var tags []string
	for tag, d := range v.tags {
		if d == digest {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags
}

// referencing are the indexes that refer to an image.
func (v *imageView) referencing(digest string) []string {
	var indexes []string
	for _, i := range v.images {
		if slices.ContainsFunc(i.parsed.Manifests, func(d descriptor) bool { return d.Digest == digest }) {
			indexes = append(indexes, i.digest)
		}
	}
	slices.Sort(indexes)
	return indexes
}

func (v *imageView) isReferenced(digest string) bool { return len(v.referencing(digest)) > 0 }

func (v *imageView) youngestFirst() []*image {
	return slices.SortedFunc(maps.Values(v.images), func(a, b *image) int {
		return cmp.Or(b.pushed.Compare(a.pushed), cmp.Compare(b.number, a.number))
	})
}

// imageID names an image by digest, tag or both.
type imageID struct {
	ImageDigest string `json:"imageDigest,omitempty"`
	ImageTag    string `json:"imageTag,omitempty"`
}

// String is how ECR writes it in errors.
func (id imageID) String() string {
	digest, tag := id.ImageDigest, id.ImageTag
	digest = cmp.Or(digest, "null")
	tag = cmp.Or(tag, "null")
	return "{imageDigest:'" + digest + "', imageTag:'" + tag + "'}"
}

// get finds an image, or says with ECR's code why not.
func (v *imageView) get(id imageID) (found *image, failure string) {
	digest := id.ImageDigest
	switch tagged, exists := v.tags[id.ImageTag]; {
	case digest == "" && id.ImageTag == "":
		return nil, "MissingDigestAndTag"
	case digest != "" && !validDigest.MatchString(digest):
		return nil, "InvalidImageDigest"
	case digest == "" && exists:
		digest = tagged
	case digest != "" && exists && tagged != digest:
		return nil, "ImageTagDoesNotMatchDigest"
	case id.ImageTag != "" && !exists:
		return nil, "ImageNotFound"
	}
	if found = v.images[digest]; found == nil {
		return nil, "ImageNotFound"
	}
	return found, ""
}

// tagFilter chooses images by whether they have tags.
type tagFilter struct {
	TagStatus string `json:"tagStatus"`
}

func (f tagFilter) matches(tags []string) bool {
	switch f.TagStatus {
	case "TAGGED":
		return len(tags) > 0
	case "UNTAGGED":
		return len(tags) == 0
	}
	return true
}

// artifactType is the media type that tells what an image is.
func (i *image) artifactType() string {
	switch {
	case i.parsed.ArtifactType != "":
		return i.parsed.ArtifactType
	case i.parsed.Config != nil:
		return i.parsed.Config.MediaType
	}
	return ""
}

// subject is what an artifact is about.
func (i *image) subject() string {
	if i.parsed.Subject == nil {
		return ""
	}
	return i.parsed.Subject.Digest
}

// checkImageIDs checks a list of images.
func checkImageIDs(ids []imageID, least int) error {
	if len(ids) < least || len(ids) > 100 {
		return invalid("imageIds", "Member must have length between %d and 100", least)
	}
	for _, id := range ids {
		if strings.ContainsAny(id.ImageTag, " /:") || len(id.ImageTag) > 300 {
			return invalid("imageTag", "must satisfy regular expression '[a-zA-Z0-9-_.]+'")
		}
	}
	return nil
}
