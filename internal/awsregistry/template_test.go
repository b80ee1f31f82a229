package awsregistry_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

const (
	role = "arn:aws:iam::123456789012:role/creator"
	key  = "arn:aws:kms:us-east-1:123456789012:key/1234"
)

func TestTemplateSpec_check(t *testing.T) {
	t.Parallel()
	kms := func(key string) awsregistry.RepositorySettings {
		return awsregistry.RepositorySettings{Encryption: &awsregistry.Encryption{Type: "KMS", KMSKey: key}}
	}
	for name, test := range map[string]struct {
		template awsregistry.TemplateSpec
		settings awsregistry.RepositorySettings
		field    awsregistry.Field
	}{
		"nothing":            {},
		"everything":         {awsregistry.TemplateSpec{AppliedFor: []string{"REPLICATION"}, Description: "x", CustomRoleARN: role}, kms(key), ""},
		"AWS's own key":      {awsregistry.TemplateSpec{CustomRoleARN: role}, kms(""), ""},
		"unknown event":      {awsregistry.TemplateSpec{AppliedFor: []string{"push"}}, awsregistry.RepositorySettings{}, awsregistry.FieldAppliedFor},
		"a long description": {awsregistry.TemplateSpec{Description: strings.Repeat("x", 210)}, awsregistry.RepositorySettings{}, awsregistry.FieldDescription},
		"no role":            {awsregistry.TemplateSpec{CustomRoleARN: "creator"}, awsregistry.RepositorySettings{}, awsregistry.FieldCustomRole},
		"a key without role": {awsregistry.TemplateSpec{}, kms(key), awsregistry.FieldCustomRole},
		"a key by its alias": {awsregistry.TemplateSpec{CustomRoleARN: role}, kms("alias/x"), awsregistry.FieldEncryption},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problem := test.template.Check(test.settings)
			if (problem == nil) != (test.field == "") || problem != nil && problem.Field != test.field {
				t.Errorf("%v", problem)
			}
		})
	}
}

// Every part of a template changes in place, from anything to anything.
func TestTemplate_update(t *testing.T) {
	t.Parallel()
	specs := map[string]func(*awsregistry.RegistrySpec){
		"plain": func(*awsregistry.RegistrySpec) {},
		"full": func(s *awsregistry.RegistrySpec) {
			s.Template = &awsregistry.TemplateSpec{AppliedFor: []string{"REPLICATION", "CREATE_ON_PUSH"}, Description: "x", CustomRoleARN: role}
			s.Repositories = awsregistry.RepositorySettings{
				TagMutability: "IMMUTABLE_WITH_EXCLUSION", Exclusions: []string{"a*", "b*"}, LifecyclePolicy: untagged(3),
				Tags: map[string]string{"team": "ml"}, Encryption: &awsregistry.Encryption{Type: "KMS", KMSKey: key},
			}
		},
		"other tags": func(s *awsregistry.RegistrySpec) {
			s.Template.CustomRoleARN, s.Repositories.Tags = role, map[string]string{"cost": "7"}
		},
		"immutable": func(s *awsregistry.RegistrySpec) { s.Repositories.TagMutability = "IMMUTABLE" },
		"policy":    func(s *awsregistry.RegistrySpec) { s.Repositories.LifecyclePolicy = untagged(4) },
	}
	for from, before := range specs {
		for to, after := range specs {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, aws.Options{})
					client := newClient(t, awsregistry.Config{Transport: w, DefaultTags: map[string]string{"by": "terraform"}})
					first, second := newSpec(), newSpec()
					first.Template, second.Template = &awsregistry.TemplateSpec{}, &awsregistry.TemplateSpec{}
					before(&first)
					after(&second)
					mustApply(t, t.Context(), client, first)
					updated, err := client.UpdateRegistry(t.Context(), second, first)
					if err != nil {
						t.Fatal(err)
					}
					mustMatch(t, client, second, updated)
					if drift := client.Drift(first, updated); from != to && len(drift) == 0 {
						t.Error("two templates are said to be the same")
					}
				})
			})
		}
	}
}
