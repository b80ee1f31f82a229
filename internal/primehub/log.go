package primehub

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

const (
	// maxLogLine is how many characters of a line are kept.
	maxLogLine = 400
	// logPathPrefix is the path of logs below the API's (CONTRACT §4.7).
	logPathPrefix = "/logs/images/"
)

// Log is the last lines of the log of an image's last build, at most that many. It is gone when the build's pod is. Of a system image only an administrator may read it.
func (c *Client) Log(ctx context.Context, image Image, lines int) ([]string, error) {
	address, err := c.logAddress(image)
	if err != nil {
		return nil, err
	}
	query := url.Values{"follow": {"false"}, "tailLines": {strconv.Itoa(lines)}}
	// Without this Accept a refusal is a web page.
	text, err := c.send(ctx, call{operation: "Log", method: http.MethodGet, url: address + "?" + query.Encode(), accept: "text/plain"})
	if err != nil {
		return nil, err
	}
	return tail(strings.ReplaceAll(string(text), c.token, "[API token]"), lines), nil
}

// logAddress is where the log is: below the configured endpoint, whatever host the platform believes itself to be. The token goes nowhere else.
func (c *Client) logAddress(image Image) (string, error) {
	endpoint, err := url.Parse(c.endpoint)
	if err != nil {
		return "", err
	}
	if told, err := url.Parse(image.LogURL); err == nil && strings.Contains(told.Path, logPathPrefix) && !strings.Contains(told.Path, "..") {
		endpoint.Path, endpoint.RawPath = told.Path, told.RawPath
		return endpoint.String(), nil
	}
	if image.Name == "" {
		return "", errors.New("an image without a name has no log")
	}
	return strings.TrimSuffix(c.endpoint, "/graphql") + logPathPrefix + url.PathEscape(image.Name) + "/job", nil
}

// tail is the last lines of a text that are not blank, without control characters.
func tail(text string, lines int) []string {
	var kept []string
	for line := range strings.Lines(text) {
		// A progress bar overwrites its line; what stands there at the end is what one would see.
		line = strings.TrimRight(line, "\r\n")
		if i := strings.LastIndexByte(line, '\r'); i >= 0 {
			line = line[i+1:]
		}
		line = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' || r == 0x7f {
				return -1
			}
			return r
		}, strings.ToValidUTF8(line, "\uFFFD"))
		if strings.TrimSpace(line) != "" {
			kept = append(kept, httpx.Truncated(redact.Text(strings.TrimRight(line, " \t")), maxLogLine))
		}
	}
	return kept[max(0, len(kept)-lines):]
}
