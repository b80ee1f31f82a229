package rime

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
)

// query is what a page token remembers.
type query struct {
	Filters []library `json:"f,omitempty"`
	// After is the sequence number of the last image of the page before.
	After int `json:"a"`
}

func (p *Platform) listByQuery(c *call) (any, error) {
	token, _, err := c.parameter("page_token")
	if err != nil {
		return nil, err
	}
	text, given, err := c.parameter("page_size")
	if err != nil {
		return nil, err
	}
	var size int64
	if given {
		if size, err = parseInteger(text); err != nil {
			return nil, invalid("invalid value for the parameter pageSize: %q", text)
		}
	}
	return p.list(c, token, size, nil)
}

func (p *Platform) listByBody(c *call) (any, error) {
	m, err := parse(c.body)
	if err != nil {
		return nil, err
	}
	token, size := m.text("page_token"), m.integer("page_size")
	var filters []library
	for each := range m.each("pip_libraries") {
		filter := library{each.text("name"), each.text("version")}
		if filter.Name == "" {
			each.fail("a filter of pipLibraries needs a name")
		}
		filters = append(filters, filter)
	}
	if err := m.err(); err != nil {
		return nil, err
	}
	return p.list(c, token, size, filters)
}

func (p *Platform) list(c *call, token string, size int64, filters []library) (any, error) {
	if size < 0 {
		return nil, invalid("the page size %d is negative", size)
	}
	if size == 0 {
		size = int64(p.options.PageSize)
	}
	size = min(size, int64(p.options.MaxPageSize))
	q := query{Filters: filters}
	if token != "" {
		if len(filters) > 0 && !p.options.IgnoreFiltersWithToken {
			return nil, invalid("pipLibraries cannot be given with a pageToken, which has them already")
		}
		var valid bool
		if q, valid = p.openToken(token); !valid {
			return nil, invalid("the page token is invalid")
		}
	}
	answer := listAnswer{Images: []imageDocument{}}
	more := false
	for _, img := range p.ordered {
		if img.sequence <= q.After || !p.listed(c, img, q.Filters) {
			continue
		}
		if int64(len(answer.Images)) == size {
			more = true
			break
		}
		answer.Images = append(answer.Images, p.imageDocument(img))
	}
	answer.NextPageToken = p.nextToken(token, q, answer.Images, more)
	return answer, nil
}

// nextToken is what follows a page that a token led to.
func (p *Platform) nextToken(token string, q query, page []imageDocument, more bool) *string {
	if len(page) > 0 {
		q.After = p.images[page[len(page)-1].Name].sequence
	}
	next := p.sealToken(q)
	switch {
	case more || p.options.ListEnd == EndStalled && len(page) > 0:
	case p.options.ListEnd == EndEmpty:
		next = ""
	case p.options.ListEnd == EndMissing:
		return nil
	default:
		next = token
	}
	return &next
}

// listed tells whether an image belongs in a list.
func (p *Platform) listed(c *call, img *image, filters []library) bool {
	if c.now.Before(img.visible) || img.role == roleSystem && p.options.HideSystemImages {
		return false
	}
	for _, filter := range filters {
		if !slices.ContainsFunc(img.libraries, func(l library) bool { return p.matches(l, filter) }) {
			return false
		}
	}
	return true
}

func (p *Platform) matches(installed, filter library) bool {
	if filter.Version != "" && filter.Version != installed.Version {
		return false
	}
	if p.options.ExactFilters {
		return filter.Name == installed.Name
	}
	return normalName(filter.Name) == normalName(installed.Name)
}

// sealToken makes a token that no client can make up.
func (p *Platform) sealToken(q query) string {
	content, _ := json.Marshal(q) // strings and a number can be encoded
	return base64.RawURLEncoding.EncodeToString(append(p.sign(content), content...))
}

func (p *Platform) openToken(token string) (query, bool) {
	var q query
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(sealed) < sha256.Size {
		return q, false
	}
	content := sealed[sha256.Size:]
	if !hmac.Equal(sealed[:sha256.Size], p.sign(content)) {
		return q, false
	}
	err = json.Unmarshal(content, &q)
	return q, err == nil
}

func (p *Platform) sign(content []byte) []byte {
	mac := hmac.New(sha256.New, p.secret)
	mac.Write(content)
	return mac.Sum(nil)
}
