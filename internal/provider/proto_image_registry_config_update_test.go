package provider

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// changes are, for every attribute that can be configured, a configuration that differs in it from [registryInput].
func changes() map[string]map[string]any {
	keepTen := []any{rule(nil)}
	return map[string]map[string]any{
		"enable":                           {"enable": false},
		"allow_external_custom_images":     {"allow_external_custom_images": false},
		"repository_prefix":                {"repository_prefix": "models"},
		"allow_empty_prefix":               {"allow_empty_prefix": true},
		"namespace":                        {"namespace": "other"},
		"resource_name_suffix":             {"resource_name_suffix": "stage"},
		"oidc_provider_arn":                {"oidc_provider_url": nil, "oidc_provider_arn": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/2"},
		"oidc_provider_url":                {"oidc_provider_url": "https://oidc.example.com/id/2"},
		"oidc_audience":                    {"oidc_audience": "sts.amazonaws.com"},
		"allowed_policies":                 {"allowed_policies": []any{"inline:more"}},
		"force_detach_policies":            {"force_detach_policies": true},
		"pod_identity":                     {"oidc_provider_url": nil, "pod_identity": true},
		"release_name":                     {"release_name": "platform"},
		"registry_server_service_accounts": {"registry_server_service_accounts": []any{"rime:server", "rime:other"}},
		"image_builder_service_accounts":   {"image_builder_service_accounts": []any{"rime:builder"}},
		"registry_server_role_name":        {"registry_server_role_name": "server"},
		"registry_server_policy_name":      {"registry_server_policy_name": "server"},
		"image_builder_role_name":          {"image_builder_role_name": "builder"},
		"image_builder_policy_name":        {"image_builder_policy_name": "builder"},
		"role_path":                        {"role_path": "/platform/"},
		"permissions_boundary_arn":         {"permissions_boundary_arn": "arn:aws:iam::123456789012:policy/boundary"},
		"tags":                             {"tags": map[string]any{"team": "ml"}},
		"lifecycle_rules":                  {"lifecycle_rules": keepTen},
		"lifecycle_policy_json":            {"lifecycle_policy_json": policyOf(`"tagStatus":"untagged"`)},
		"tag_mutability":                   {"tag_mutability": "IMMUTABLE"},
		"tag_mutability_exclusions":        {"tag_mutability": "IMMUTABLE_WITH_EXCLUSION", "tag_mutability_exclusions": []any{"rime-*"}},
		"scan_on_push":                     {"scan_on_push": true},
		"encryption": {
			"creation_template": map[string]any{"custom_role_arn": "arn:aws:iam::123456789012:role/creator"},
			"encryption":        map[string]any{"type": "KMS"},
		},
		"creation_template": {"creation_template": map[string]any{"description": "images", "applied_for": []any{"REPLICATION"}}},
		"timeouts":          {"timeouts": map[string]any{"update": "20m"}},
	}
}

// Every attribute changes in place, there and back, and leaves nothing behind; only a path replaces the roles. Nothing is missing among [changes].
func TestProtoImageRegistryConfig_everyAttribute(t *testing.T) {
	t.Parallel()
	all := changes()
	for _, attribute := range newRegistryServer(t, newAccount(t), nil).schema.Block.Attributes {
		if _, found := all[attribute.Name]; found == (attribute.Computed && !attribute.Optional) {
			t.Errorf("%s: tested is %t", attribute.Name, found)
		}
	}
	for name, change := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			bounds := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecr:*","Resource":"*"}}`
			done(a, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("boundary"), PolicyDocument: &bounds})
			server := newRegistryServer(t, a, nil)
			before, after := registryInput(nil), registryInput(change)
			whole := server.must(server.absent(), before)
			a.repository("ml/prod/rime/churn")
			replaced := server.plan(whole, after).RequiresReplace
			if (len(replaced) > 0) != (name == "role_path") {
				t.Fatalf("the plan replaces for %v", replaced)
			}
			if name == "role_path" {
				whole = server.must(server.must(whole, nil), after)
			} else {
				changed := server.must(whole, after)
				server.expectSettled(changed, after)
				whole = server.must(changed, before)
				after = before
			}
			server.expectSettled(whole, after)
			server.must(whole, nil)
			if got := a.roles(); got != 1 { // the boundary
				t.Errorf("%d roles and policies are left", got)
			}
			if left := done(a, a.ecr.DescribeRepositoryCreationTemplates, &ecr.DescribeRepositoryCreationTemplatesInput{}).RepositoryCreationTemplates; len(left) > 0 {
				t.Errorf("templates are left: %v", left)
			}
			done(a, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"ml/prod/rime/churn"}})
		})
	}
}
