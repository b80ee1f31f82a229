package aws

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

var validDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// imageDetail is an image in the answers of DescribeImages.
type imageDetail struct {
	inRepository
	ImageDigest            string      `json:"imageDigest"`
	ImageTags              []string    `json:"imageTags,omitempty"`
	ImageSizeInBytes       int64       `json:"imageSizeInBytes"`
	ImagePushedAt          seconds     `json:"imagePushedAt"`
	ScanStatus             *scanStatus `json:"imageScanStatus,omitempty"`
	ImageManifestMediaType string      `json:"imageManifestMediaType"`
	ArtifactMediaType      string      `json:"artifactMediaType,omitempty"`
	LastRecordedPullTime   *seconds    `json:"lastRecordedPullTime,omitempty"`
	SubjectManifestDigest  string      `json:"subjectManifestDigest,omitempty"`
	ImageStatus            string      `json:"imageStatus"`
	LastArchivedAt         *seconds    `json:"lastArchivedAt,omitempty"`
}

type scanStatus struct {
	Status      string `json:"status"`
	Description string `json:"description"`
}

func (c *Cloud) imageDetail(r *repository, i *image, tags []string) imageDetail {
	detail := imageDetail{
		inRepository: c.of(r), ImageDigest: i.digest, ImageTags: tags, ImageSizeInBytes: i.size,
		ImagePushedAt: seconds(i.pushed), ImageManifestMediaType: i.mediaType, ArtifactMediaType: i.artifactType(),
		SubjectManifestDigest: i.subject(), ImageStatus: "ACTIVE",
	}
	if r.scanOnPush && len(i.parsed.Layers) > 0 {
		detail.ScanStatus = &scanStatus{"COMPLETE", "The scan was completed successfully (simulated by rime-sandbox: nothing was scanned)."}
	}
	if i.isArchived() {
		archived := seconds(i.archived)
		detail.ImageStatus, detail.LastArchivedAt = "ARCHIVED", &archived
	}
	if !i.pulled.IsZero() {
		pulled := seconds(i.pulled)
		detail.LastRecordedPullTime = &pulled
	}
	return detail
}

type imagesResult struct {
	ImageDetails []imageDetail `json:"imageDetails"`
	NextToken    string        `json:"nextToken,omitempty"`
}

func (c *Cloud) describeImages(in struct {
	inRepository
	inPages
	ImageIDs []imageID `json:"imageIds"`
	Filter   tagFilter `json:"filter"`
},
) (*imagesResult, error) {
	r, err := c.find(in.inRepository)
	if err != nil {
		return nil, err
	}
	if err := checkImageIDs(in.ImageIDs, 0); err != nil {
		return nil, err
	}
	view := c.imagesOf(r)
	chosen := slices.Collect(maps.Values(view.images))
	if len(in.ImageIDs) > 0 {
		if in.NextToken != "" || in.MaxResults != nil {
			return nil, refuse("InvalidParameterException", "maxResults and nextToken cannot be specified together with imageIds")
		}
		in.MaxResults, chosen = new(100), nil
		for _, id := range in.ImageIDs {
			i, failure := view.get(id)
			if failure != "" {
				return nil, refuse("ImageNotFoundException",
					"The image with imageId %v does not exist within the repository with name '%s' in the registry with id '%s'", id, r.name, c.options.Account)
			}
			if !slices.Contains(chosen, i) {
				chosen = append(chosen, i)
			}
		}
	}
	details := []imageDetail{}
	for _, i := range chosen {
		if detail := c.imageDetail(r, i, view.tagsOf(i.digest)); in.Filter.matches(detail.ImageTags) {
			details = append(details, detail)
		}
	}
	page, next, err := ecrPage(in.inPages, 1000, details, func(d imageDetail) string { return d.ImageDigest })
	return &imagesResult{page, next}, err
}

type imageIDsResult struct {
	ImageIDs  []imageID      `json:"imageIds"`
	NextToken string         `json:"nextToken,omitempty"`
	Failures  []imageFailure `json:"failures,omitempty"`
}

func (c *Cloud) listImages(in struct {
	inRepository
	inPages
	Filter tagFilter `json:"filter"`
},
) (*imageIDsResult, error) {
	r, err := c.find(in.inRepository)
	if err != nil {
		return nil, err
	}
	ids, view := []imageID{}, c.imagesOf(r)
	for digest := range view.images {
		tags := view.tagsOf(digest)
		if !in.Filter.matches(tags) {
			continue
		}
		if len(tags) == 0 {
			ids = append(ids, imageID{ImageDigest: digest})
		}
		for _, tag := range tags {
			ids = append(ids, imageID{digest, tag})
		}
	}
	page, next, err := ecrPage(in.inPages, 1000, ids, func(id imageID) string { return id.ImageDigest + " " + id.ImageTag })
	return &imageIDsResult{ImageIDs: page, NextToken: next}, err
}

type imageFailure struct {
	ImageID       imageID `json:"imageId"`
	FailureCode   string  `json:"failureCode"`
	FailureReason string  `json:"failureReason"`
}

// failureReasons are ECR's sentences for the codes of failures.
var failureReasons = map[string]string{
	"ImageNotFound":              "Requested image not found",
	"ImageInaccessible":          "Requested image is archived",
	"MissingDigestAndTag":        "Invalid request parameters: both tag and digest cannot be null",
	"InvalidImageDigest":         "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
	"ImageTagDoesNotMatchDigest": "Tag does not match image digest",
}

type imageJSON struct {
	inRepository
	ImageID                imageID `json:"imageId"`
	ImageManifest          string  `json:"imageManifest"`
	ImageManifestMediaType string  `json:"imageManifestMediaType"`
}

type batchGetResult struct {
	Images   []imageJSON    `json:"images"`
	Failures []imageFailure `json:"failures"`
}

func (c *Cloud) imageJSON(r *repository, i *image, tag string) imageJSON {
	return imageJSON{c.of(r), imageID{i.digest, tag}, string(i.manifest), i.mediaType}
}

type imageBatch struct {
	inRepository
	ImageIDs []imageID `json:"imageIds"`
}

func (c *Cloud) batchGetImage(in imageBatch) (*batchGetResult, error) {
	r, err := c.find(in.inRepository)
	if err != nil {
		return nil, err
	}
	if err := checkImageIDs(in.ImageIDs, 1); err != nil {
		return nil, err
	}
	result, view := &batchGetResult{[]imageJSON{}, []imageFailure{}}, c.imagesOf(r)
	for _, id := range in.ImageIDs {
		i, failure := view.get(id)
		if failure == "" && i.isArchived() {
			failure = "ImageInaccessible"
		}
		if failure != "" {
			result.Failures = append(result.Failures, imageFailure{id, failure, failureReasons[failure]})
			continue
		}
		i.pulled = c.now
		result.Images = append(result.Images, c.imageJSON(r, i, id.ImageTag))
	}
	return result, nil
}

// batchDeleteImage removes tags, and images with their last tag or by digest. What an index refers to when the call comes in stays, even if
// the same call removes the index.
func (c *Cloud) batchDeleteImage(in imageBatch) (*imageIDsResult, error) {
	r, err := c.find(in.inRepository)
	if err != nil {
		return nil, err
	}
	if err := checkImageIDs(in.ImageIDs, 1); err != nil {
		return nil, err
	}
	result := &imageIDsResult{ImageIDs: []imageID{}, Failures: []imageFailure{}}
	referenced := map[string][]string{}
	for digest := range r.images.images {
		referenced[digest] = r.images.referencing(digest)
	}
	for _, id := range in.ImageIDs {
		i, failure := r.images.get(id)
		switch {
		case failure != "":
			result.Failures = append(result.Failures, imageFailure{id, failure, failureReasons[failure]})
			continue
		case id.ImageDigest == "" && len(r.images.tagsOf(i.digest)) > 1:
			c.untag(r.images, id.ImageTag)
			result.ImageIDs = append(result.ImageIDs, imageID{i.digest, id.ImageTag})
			continue
		case len(referenced[i.digest]) > 0:
			result.Failures = append(result.Failures, imageFailure{
				id, "ImageReferencedByManifestList",
				"Requested image referenced by manifest list: [" + strings.Join(referenced[i.digest], ", ") + "]",
			})
			continue
		}
		tags := r.images.tagsOf(i.digest)
		for _, tag := range tags {
			result.ImageIDs = append(result.ImageIDs, imageID{i.digest, tag})
		}
		if len(tags) == 0 {
			result.ImageIDs = append(result.ImageIDs, imageID{ImageDigest: i.digest})
		}
		c.remove(r.images, i.digest)
	}
	return result, nil
}
