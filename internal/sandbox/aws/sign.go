package aws

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// principal is who makes a call.
type principal struct {
	arn    string
	userID string
	// session and expires are of temporary credentials.
	session string
	expires time.Time
	// role is the ARN of the role that a session is of.
	role string
}

func (c *Cloud) addUser(u User) {
	resource, id := "user/"+u.Name, c.uniqueID("AIDA")
	if u.Name == "root" {
		resource, id = "root", c.options.Account
	}
	c.principals[u.AccessKeyID] = &principal{arn: c.arn(iamService, resource), userID: id}
}

// signature is the Authorization header of version 4, see "Authenticating Requests (AWS Signature Version 4)".
var signature = regexp.MustCompile(
	`^AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\d{8})/([^/, ]+)/([^/, ]+)/aws4_request, ?SignedHeaders=([^, ]+), ?Signature=([0-9a-f]{64})$`)

// authenticate finds the principal by the signature, which must be there and be for this service, but is not verified.
func (c *Cloud) authenticate(call *call) error {
	header := call.Header.Get("Authorization")
	if header == "" {
		if call.name == "AssumeRoleWithWebIdentity" {
			return nil // the token is what proves who calls
		}
		return call.refuse("MissingAuthenticationToken", "MissingAuthenticationTokenException", "Request is missing Authentication Token")
	}
	parts := signature.FindStringSubmatch(header)
	if parts == nil || call.Header.Get("X-Amz-Date") == "" || !slices.Contains(strings.Split(parts[5], ";"), "host") {
		return call.refuse("IncompleteSignature", "IncompleteSignatureException",
			"Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' parameters, and a date: Authorization=%s", header)
	}
	key, region, service := parts[1], parts[3], parts[4]
	by := c.principals[key]
	if by == nil || by.session != call.Header.Get("X-Amz-Security-Token") {
		return call.refuse("InvalidClientTokenId", "UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	if !by.expires.IsZero() && !c.now.Before(by.expires) {
		return call.refuse("ExpiredToken", "ExpiredTokenException", "The security token included in the request is expired")
	}
	if service != call.service {
		return call.refuse("SignatureDoesNotMatch", "InvalidSignatureException", "Credential should be scoped to correct service: '%s'.", call.service)
	}
	if region != c.options.Region && (call.isJSON() || region != c.options.globalRegion()) {
		return call.refuse("SignatureDoesNotMatch", "InvalidSignatureException", "Credential should be scoped to a valid region, not '%s'.", region)
	}
	call.by = by
	return nil
}
