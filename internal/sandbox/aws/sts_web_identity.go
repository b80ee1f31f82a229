package aws

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// claims are those of a token of an identity provider.
type claims struct {
	Issuer   string            `json:"iss"`
	Subject  string            `json:"sub"`
	Audience oneOrMore[string] `json:"aud"`
	Expires  int64             `json:"exp"`
}

// WebIdentityToken is a token as a Kubernetes cluster gives it to a service account: of an identity provider by its URL, for an hour. The
// subject is "system:serviceaccount:NAMESPACE:NAME", the audience "sts.amazonaws.com". Its signature is none, and is not asked for.
func (c *Cloud) WebIdentityToken(issuer, subject, audience string) string {
	encode := func(part any) string {
		text, err := json.Marshal(part)
		if err != nil {
			panic(err) // it is text and numbers
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return encode(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." +
		encode(claims{"https://" + strings.TrimPrefix(issuer, "https://"), subject, oneOrMore[string]{audience}, c.options.Clock().Add(time.Hour).Unix()}) +
		"." + encode("simulated by rime-sandbox")
}

type webIdentityResult struct {
	assumeRoleResult
	Provider                    string
	SubjectFromWebIdentityToken string
	Audience                    string
}

// assumeRoleWithWebIdentity is how a service account of Kubernetes becomes a role.
func (c *Cloud) assumeRoleWithWebIdentity(call *call) (any, error) {
	token, err := c.parseWebIdentity(call.form.Get("WebIdentityToken"))
	if err != nil {
		return nil, err
	}
	url := strings.TrimPrefix(token.Issuer, "https://")
	arn := c.arn(iamService, "oidc-provider/"+url)
	if _, known := c.providers[arn]; !known {
		return nil, refuse("InvalidIdentityToken", "No OpenIDConnect provider found in your account for %s", token.Issuer)
	}
	audience := ""
	if len(token.Audience) > 0 {
		audience = token.Audience[0]
	}
	r := c.trusting(call.form.Get("RoleArn"), attempt{
		action: "sts:AssumeRoleWithWebIdentity",
		keys:   map[string]string{strings.ToLower(url + ":sub"): token.Subject, strings.ToLower(url + ":aud"): audience},
		is:     func(named principals) bool { return slices.Contains(named["Federated"], arn) },
	})
	if r == nil {
		return nil, refuse("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	}
	session, err := c.newSession(call.form, r, r.session)
	if err != nil {
		return nil, err
	}
	return webIdentityResult{*session, arn, token.Subject, audience}, nil
}

func (c *Cloud) parseWebIdentity(text string) (claims, error) {
	var token claims
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return token, refuse("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &token) != nil {
		return token, refuse("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	if now := c.now.Unix(); now >= token.Expires {
		return token, refuse("ExpiredTokenException", "Token expired: current date/time %d must be before the expiration date/time %d", now, token.Expires)
	}
	return token, nil
}
