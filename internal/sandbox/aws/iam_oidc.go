package aws

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// oidcProvider is an OpenID Connect identity provider, as an EKS cluster has one.
type oidcProvider struct {
	url     string // without "https://"
	created time.Time
}

// addOIDCProvider adds one, and returns its ARN.
func (c *Cloud) addOIDCProvider(url string) string {
	url = strings.TrimPrefix(url, "https://")
	arn := c.arn(iamService, "oidc-provider/"+url)
	c.providers[arn] = oidcProvider{url, c.now}
	return arn
}

type oidcResult struct {
	URL            string `xml:"Url"`
	ClientIDList   members[string]
	ThumbprintList members[string]
	CreateDate     string
	Tags           members[tag]
}

func (c *Cloud) getOIDCProvider(in params) (*oidcResult, error) {
	arn := in.Get("OpenIDConnectProviderArn")
	provider, found := c.providers[arn]
	if !found {
		return nil, refuse("NoSuchEntity", "OpenIDConnect Provider not found for arn %s", arn)
	}
	return &oidcResult{
		URL: provider.url, ClientIDList: members[string]{[]string{"sts.amazonaws.com"}},
		ThumbprintList: members[string]{[]string{strings.Repeat("0", 40)}}, CreateDate: timestamp(provider.created),
	}, nil
}

type oidcEntry struct {
	Arn string
}

type oidcsResult struct {
	OpenIDConnectProviderList members[oidcEntry]
}

func (c *Cloud) listOIDCProviders(params) (*oidcsResult, error) {
	var result oidcsResult
	for _, arn := range slices.Sorted(maps.Keys(c.providers)) {
		result.OpenIDConnectProviderList.Member = append(result.OpenIDConnectProviderList.Member, oidcEntry{arn})
	}
	return &result, nil
}
