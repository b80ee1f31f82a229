package provider

// meaningfulWhenEmpty are the objects for which {} is a way to say yes.
var meaningfulWhenEmpty = map[string]bool{
	"embedded_registry": true, // the ECR registry of the AWS account, or what the environment says
	"creation_template": true, // for what is pushed
}

// What to write instead of names that belong elsewhere.
const (
	awsCredentials = `The provider takes credentials from AWS's standard chain: set profile or assume_role, or the environment ` +
		`variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`
	registryCredentials = "The provider takes the registry's credentials from `docker login` and its helpers; for ECR, from AWS's chain."
	awsFiles            = "Set the environment variables AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE."
	notOfRole           = "The provider does not set it: write it in a profile of AWS's configuration, or leave it out."
	trustSettings       = "Write http = { insecure_skip_verify = …, ca_file = … } of the provider."
	settingOfResource   = "Set it beside creation_template, in the resource itself."
	onlyRepositories    = "Set it in the resource rime_image_registry_config, or write the policy as JSON in lifecycle_policy_json."
	mirrors             = "Mirrors of registries are settings of the BuildKit daemon: write them in its buildkitd.toml."
	ages                = `Write an age as count_type = "sinceImagePushed" and count_number, in days.`
	groupPackages       = "Write apt_packages, conda_packages and pip_packages, which are lists of strings."
)

// slipsOf are the names that users of PrimeHub, of the SDKs, of the module and of Terraform's AWS provider write by mistake, by
// object: wrong names with blanks between them, and the attribute that is meant, or a sentence that says what to write.
var slipsOf = map[string]map[string]string{
	"primehub": {
		"token apitoken access_token api_key apikey key":     "api_token",
		"url uri host hostname address api_url api_endpoint": "endpoint",
		"group_name default_group team":                      "group",
		"user username password":                             "PrimeHub takes a token: write api_token.",
	},
	"aws": {
		"aws_region region_name default_region":                                     "region",
		"aws_profile profile_name":                                                  "profile",
		"access_key secret_key access_key_id secret_access_key token session_token": awsCredentials,
		"shared_config_files":                                                       awsFiles,
		"shared_credentials_files":                                                  awsFiles,
		"shared_credentials_file":                                                   awsFiles,
		"role role_arn assume_role_arn":                                             "Write assume_role = { role_arn = … }.",
		"endpoint_url ecr iam sts":                                                  "Write endpoints = { ecr = …, iam = …, sts = … }.",
		"tags":                                                                      "default_tags",
		"account account_id allowed_account_ids":                                    "The account is that of the credentials: leave it out.",
		"max_retries insecure http_proxy":                                           "Write it in http = { } of the provider; a proxy is taken from HTTPS_PROXY.",
		"custom_ca_bundle":                                                          "Write it in http = { } of the provider; a proxy is taken from HTTPS_PROXY.",
	},
	"assume_role": {
		"arn role":                             "role_arn",
		"session role_session_name name":       "session_name",
		"external":                             "external_id",
		"duration duration_seconds policy":     notOfRole,
		"policy_arns tags transitive_tag_keys": notOfRole,
		"source_identity":                      notOfRole,
	},
	"endpoints": {
		"ecr_api api_ecr ecr_endpoint ecr_url": "ecr",
		"iam_endpoint iam_url":                 "iam",
		"sts_endpoint sts_url":                 "sts",
		"url endpoint s3":                      "Write an address for each of ecr, iam and sts, or set AWS_ENDPOINT_URL.",
	},
	"embedded_registry": {
		"uri host hostname address endpoint registry registry_url registry_host": "url",
		"prefix repo_prefix repository_prefx":                                    "repository_prefix",
		"repositoy_prefix repositry_prefix":                                      "repository_prefix",
		"repository repo_base_name namespace path":                               "repository_prefix",
		"plain_http http use_http":                                               "insecure",
		"insecure_skip_verify skip_verify":                                       trustSettings,
		"tls_verify ca_file":                                                     trustSettings,
		"settings repository_setting repo_settings":                              "repository_settings",
		"base_image_url images python_images python_versions python_version":     "base_images",
		"allow_external_images allow_external":                                   "allow_external_custom_images",
		"builder buildkitd build_kit build_kits buildx buildkits":                "buildkit",
		"mirrors mirror base_mirrors base_mirror registry_mirrors":               mirrors,
		"buildkit_host buildkit_address buildkit_addr":                           "Write buildkit = { address = … }.",
		"architecture architectures arch":                                        "platforms",
		"index_url extra_index_url":                                              "Write pip = { index_url = …, extra_index_urls = […], config = … }.",
		"extra_index_urls pip_config":                                            "Write pip = { index_url = …, extra_index_urls = […], config = … }.",
		"cache_ref build_cache":                                                  "Write cache = { ref = … }.",
		"parallelism parallel_builds max_builds max_parallel max_parallelism":    "max_parallel_builds",
		"compress compression_type":                                              "compression",
		"username password user auth credentials token":                          registryCredentials,
		"region profile":                                                         "Write aws = { region = …, profile = … } of the provider.",
	},
	"repository_settings": {
		"image_tag_mutability mutability immutable immutable_tags tag_immutability": "tag_mutability",
		"scan scanning image_scanning_configuration scan_images":                    "scan_on_push",
		"encryption_configuration encryption_type kms_key":                          "Write encryption = { type = …, kms_key = … }.",
		"lifecycle_policy policy":                                                   "lifecycle_policy_json",
		"lifecycle_rules":                                                           onlyRepositories,
		"default_tags":                                                              "tags",
	},
	"encryption": {
		"kms_key_id kms_key_arn key": "kms_key",
	},
	"buildkit": {
		"host addr url endpoint":                                  "address",
		"ca cacert ca_cert tlscacert ca_certificate ca_path":      "ca_file",
		"cert tlscert client_cert certificate cert_path":          "cert_file",
		"key tlskey client_key private_key key_path":              "key_file",
		"servername tls_server_name tlsservername tls_servername": "server_name",
		"token username password":                                 "BuildKit knows its clients by certificate: write cert_file and key_file.",
	},
	"pip": {
		"index url pip_index_url":                              "index_url",
		"extra_index extra_indexes extra_urls extra_index_uri": "extra_index_urls",
		"conf pip_conf config_file pip_config":                 "Write the text of a pip.conf: config = file(\"pip.conf\").",
		"conf_file":                                            "Write the text of a pip.conf: config = file(\"pip.conf\").",
		"trusted_host trusted_hosts find_links timeout proxy":  "Write it in config, as pip.conf has it.",
		"username password token user":                         "Write credentials in index_url.",
	},
	"cache": {
		"reference image registry repository url": "ref",
		"type": "A cache is always kept in a registry: leave it out.",
	},
	"http": {
		"timeout timeout_seconds request_timeout_seconds channel_timeout":               "request_timeout",
		"retries retry retry_max max_retry_attempts retry_count":                        "max_retries",
		"ca cacert ca_cert ca_cert_file ca_bundle custom_ca_bundle ssl_ca_cert ca_path": "ca_file",
		"insecure skip_verify skip_tls_verify":                                          "insecure_skip_verify",
		"tls_skip_verify tls_insecure":                                                  "insecure_skip_verify",
		"insecure_skip_tls_verify":                                                      "insecure_skip_verify",
		"verify verify_ssl disable_tls":                                                 "Write insecure_skip_verify.",
		"proxy http_proxy https_proxy":                                                  "Set the environment variables HTTPS_PROXY and NO_PROXY.",
	},
	// The slips of a resource are null in its state, so these are few.
	"existing": {
		"gpu_url url_gpu gpu":                             "url_for_gpu",
		"pull_secret secret use_pull_secret pull_secrets": "image_pull_secret",
		"use_image_pull_secret":                           "image_pull_secret",
		"base_image_url packages pip_packages":            "Write build = { … } for an image that PrimeHub builds.",
	},
	"build": {
		"pull_secret secret use_pull_secret pull_secrets":   "image_pull_secret",
		"use_image_pull_secret":                             "image_pull_secret",
		"packages package apt apts conda condas pip pips":   groupPackages,
		"requirements apt_requirements conda_requirements":  groupPackages,
		"pip_requirements os_packages rocky_linux_packages": groupPackages,
		"apt_pkgs":   "apt_packages",
		"conda_pkgs": "conda_packages",
		"pip_pkgs":   "pip_packages",
	},
	"timeouts": {
		"created creation creating build building":    "create",
		"reading refresh":                             "read",
		"updated updating modify rebuild":             "update",
		"deleted deletion deleting destroy destroyed": "delete",
		"timeout default all minutes seconds hours":   `Write a duration for each operation, such as create = "90m".`,
		"wait": `Write a duration for each operation, such as create = "90m".`,
	},
	"creation_template": {
		"applies_to apply_for": "applied_for",
		"role role_arn":        "custom_role_arn",
		"prefix":               "The template is for the registry's own prefix: leave it out.",
		"tags encryption tag_mutability lifecycle_policy lifecycle_rules scan_on_push": settingOfResource,
	},
	"lifecycle_rules": {
		"tag_prefix_list":  "tag_prefixes",
		"tag_pattern_list": "tag_patterns",
		"tag_filters tags": "tag_patterns",
		"patterns":         "tag_patterns",
		"prefixes":         "tag_prefixes",
		"unit":             "count_unit",
		"days":             ages,
		"type action_type": "action",
		"target":           "target_storage_class",
		"target_class":     "target_storage_class",
		"storage class":    "storage_class",
		"desc comment":     "description",
	},
}
