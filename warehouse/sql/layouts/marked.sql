        CASE WHEN md5_number_lower('markers:' || p.trace_id) / 18446744073709551616.0 < $metadata_rate
            THEN coalesce(
                list_aggregate(
                    list_filter(
                        list_transform(
                            $metadata::VARCHAR[],
                            lambda name: name || ': ' || CASE name
                                WHEN 'kind' THEN p.kind
                                WHEN 'domain' THEN p.domain
                                WHEN 'source' THEN p.source
                                WHEN 'recipe' THEN p.recipe
                                WHEN 'teacher' THEN p.teacher
                                WHEN 'thinking_tokens' THEN p.thinking_tokens::VARCHAR
                                WHEN 'outcome' THEN j.outcome
                                WHEN 'band' THEN j.band
                                WHEN 'pass_rate' THEN round(j.pass_rate, 3)::VARCHAR
                            END
                        ),
                        lambda marker: marker IS NOT NULL
                    ),
                    'string_agg', chr(10)
                ) || chr(10) || chr(10),
                ''
            )
            ELSE ''
        END
