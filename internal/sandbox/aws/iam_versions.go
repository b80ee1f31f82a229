package aws

import (
	"slices"
	"strconv"
	"time"
)

// version is a version of a policy.
type version struct {
	id, document string
	created      time.Time
}

// versionXML is a version in answers; lists have no document.
type versionXML struct {
	Document         string `xml:",omitempty"`
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

type versionResult struct {
	PolicyVersion versionXML
}

func (p *policy) versionXML(v version) versionXML {
	return versionXML{VersionID: v.id, IsDefaultVersion: v.id == p.standard, CreateDate: timestamp(v.created)}
}

// versionOf finds the version that a call is about.
func (p *policy) versionOf(in params) (int, error) {
	id := in.Get("VersionId")
	if i := slices.IndexFunc(p.versions, func(v version) bool { return v.id == id }); i >= 0 {
		return i, nil
	}
	return 0, refuse("NoSuchEntity", "Policy %s version %s does not exist or is not attachable.", p.arn, id)
}

func (c *Cloud) createPolicyVersion(in params) (*versionResult, error) {
	document := in.Get("PolicyDocument")
	if err := checkPermissions(document, maxPolicySize); err != nil {
		return nil, err
	}
	var result versionResult
	err := c.updatePolicy(in, func(p *policy) error {
		if len(p.versions) >= maxPolicyVersions {
			return refuse("LimitExceeded", "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.",
				maxPolicyVersions)
		}
		p.last++
		v := version{"v" + strconv.Itoa(p.last), document, c.now}
		p.versions, p.updated = append(slices.Clone(p.versions), v), c.now
		if in.Get("SetAsDefault") == "true" {
			p.standard = v.id
		}
		result.PolicyVersion = p.versionXML(v)
		return nil
	})
	return &result, err
}

func (c *Cloud) getPolicyVersion(in params) (*versionResult, error) {
	p, err := c.policyOf(in)
	if err != nil {
		return nil, err
	}
	i, err := p.versionOf(in)
	if err != nil {
		return nil, err
	}
	result := &versionResult{p.versionXML(p.versions[i])}
	result.PolicyVersion.Document = encoded(p.versions[i].document)
	return result, nil
}

type versionsResult struct {
	Versions    members[versionXML]
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// listPolicyVersions lists the newest first, as IAM does.
func (c *Cloud) listPolicyVersions(in params) (*versionsResult, error) {
	p, err := c.policyOf(in)
	if err != nil {
		return nil, err
	}
	var versions []versionXML
	place := map[string]string{}
	for i, v := range slices.Backward(p.versions) {
		versions = append(versions, p.versionXML(v))
		place[v.id] = string(rune('a' + len(p.versions) - 1 - i))
	}
	page, marker, err := pageOf(in, versions, func(v versionXML) string { return place[v.VersionID] })
	return &versionsResult{members[versionXML]{page}, marker != "", marker}, err
}

func (c *Cloud) setDefaultPolicyVersion(in params) error {
	return c.updatePolicy(in, func(p *policy) error {
		i, err := p.versionOf(in)
		if err == nil {
			p.standard, p.updated = p.versions[i].id, c.now
		}
		return err
	})
}

func (c *Cloud) deletePolicyVersion(in params) error {
	return c.updatePolicy(in, func(p *policy) error {
		i, err := p.versionOf(in)
		if err != nil {
			return err
		}
		if p.versions[i].id == p.standard {
			return refuse("DeleteConflict", "Cannot delete the default version of a policy.")
		}
		p.versions, p.updated = slices.Delete(slices.Clone(p.versions), i, i+1), c.now
		return nil
	})
}
