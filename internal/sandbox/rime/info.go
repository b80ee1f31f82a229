package rime

import (
	"fmt"
	"strings"
)

// gracePeriod is how long an expired licence is put up with.
const (
	gracePeriodDays = 30
	warningDays     = 30
)

// info is what the official clients ask for before anything else. It needs no key.
func (p *Platform) info(*call) (any, error) {
	return struct {
		ClusterInfoVersion string    `json:"clusterInfoVersion"`
		CustomerName       string    `json:"customerName"`
		ExpirationTime     timestamp `json:"expirationTime"`
		GracePeriodEndTime timestamp `json:"gracePeriodEndTime"`
		RIPlan             string    `json:"riPlan"`
		BuildVersion       string    `json:"buildVersion"`
	}{
		p.version, p.options.Customer,
		timestamp(p.options.LicenseExpires), timestamp(p.options.LicenseExpires.AddDate(0, 0, gracePeriodDays)),
		"RI_PLAN_DEFAULT", p.version,
	}, nil
}

const expirationLimit = "LICENSE_LIMIT_EXPIRATION"

func (p *Platform) limitStatus(c *call) (any, error) {
	limit := c.PathValue("limit")
	switch {
	case !strings.HasPrefix(limit, "LICENSE_LIMIT_"):
		return nil, invalid("type mismatch, parameter: limit, error: %s is not valid", limit)
	case c.PathValue("customer") != p.options.Customer:
		return nil, refuse(codeNotFound, "no customer has the name %q", c.PathValue("customer"))
	case limit != expirationLimit:
		return nil, refuse(codeUnimplemented, "rime-sandbox knows no other limit than %s", expirationLimit)
	}
	status := "STATUS_OK"
	switch {
	case !c.now.Before(p.options.LicenseExpires):
		status = "STATUS_ERROR"
	case !c.now.Before(p.options.LicenseExpires.AddDate(0, 0, -warningDays)):
		status = "STATUS_WARN"
	}
	type limitDocument struct {
		Limit        string `json:"limit"`
		LimitStatus  string `json:"limitStatus"`
		LimitValue   string `json:"limitValue"`
		CurrentValue string `json:"currentValue"`
	}
	return struct {
		LimitStatus limitDocument `json:"limitStatus"`
	}{limitDocument{Limit: limit, LimitStatus: status}}, nil
}

// systemImageName is the name of the image that all images of a Python version are built on.
func systemImageName(python string) string {
	return fmt.Sprintf("rime-base-python-%s", strings.ReplaceAll(python, ".", "-"))
}

func (p *Platform) addSystemImages() {
	for _, python := range p.options.PythonVersions {
		p.add(&image{
			inputs: inputs{python: python}, name: systemImageName(python), role: roleSystem, status: imageReady,
			libraries: installed(inputs{python: python}, p.version),
		})
	}
}
