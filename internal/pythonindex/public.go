package pythonindex

import "net/url"

// publicHosts serve files to everybody, at addresses that hold no secret.
var publicHosts = map[string]bool{
	"files.pythonhosted.org": true, "test-files.pythonhosted.org": true, "download.pytorch.org": true, "download-r2.pytorch.org": true,
}

// PublicURL is the address of the file where everybody may see it. It is empty for files of all other indexes: those take
// tokens anywhere in an address, and nothing tells a token from a directory.
func (f *File) PublicURL() string {
	u, err := url.Parse(f.URL)
	if err != nil || u.Scheme != "https" || !publicHosts[u.Host] || u.RawQuery != "" {
		return ""
	}
	return f.URL
}
